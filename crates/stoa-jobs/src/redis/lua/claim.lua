-- Gives jobs to a node. ARGV: schema, token of this claim, token of a claim whose answer was lost or '', node, lease in ms,
-- how many, how many due jobs at most, kinds.
-- Returns 'newer', or 'ok', the time, when there may be more in ms or -1, and of each job what `record` reads and the
-- settings of its aggregation.
if is_newer() then
  return { 'newer' }
end
local token, lost, node, lease, max, part = arg(), arg(), arg(), number(), number(), number()
local kinds, tides, before = {}, {}, {}
while cursor < #ARGV do
  kinds[#kinds + 1] = arg()
end
local jobs = {}
local wake = 0

local function give(id, found)
  local values = record(id)
  if values then
    values[#values + 1] = found.settings or '{}'
    jobs[#jobs + 1] = values
  end
end

-- Jobs that a claim took whose answer the node has never seen.
if lost ~= '' then
  for _, id in ipairs(call('ZRANGE', P .. ':running', 0, 9999)) do
    local values = call('HMGET', job_key(id), 'claim', 'node', 'aggregation')
    if values[1] == lost and values[2] == node then
      call('HSET', job_key(id), 'until', now + lease, 'claim', token)
      call('HINCRBY', job_key(id), 'rev', 1)
      call('ZADD', P .. ':running', now + lease, id)
      give(id, aggregation(values[3]))
    end
  end
end

-- Makes jobs ready that are due, and lets go the aggregations that were held by their rates.
local function make_ready(kind)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. ':due:' .. kind, '-inf', now, 'LIMIT', 0, part)) do
    call('ZREM', P .. ':due:' .. kind, id)
    local values = call('HMGET', job_key(id), 'state', 'aggregation', 'priority')
    if values[1] == 'scheduled' then
      local turn = call('INCR', P .. ':turn')
      call('HSET', job_key(id), 'state', 'ready', 'since', now, 'turn', turn)
      call('HINCRBY', job_key(id), 'rev', 1)
      call('ZADD', queue_key(values[2]), tonumber(values[3]) * PRIORITY + turn, id)
      moved(values[2], 'scheduled', 'ready')
      event(id, values[2], 'ready', '')
      wake = 5
    end
  end
  for _, name in ipairs(call('ZRANGEBYSCORE', P .. ':held:' .. kind, '-inf', now, 'LIMIT', 0, part)) do
    aggregation(name).held = 0
    if not aggregation(name).exists then
      call('ZREM', P .. ':held:' .. kind, name)
    end
  end
end

-- The open aggregation that is the least far ahead of its tide, and how far.
local function next_turn()
  local best, lead = nil, nil
  for _, kind in ipairs(kinds) do
    local first = call('ZRANGE', P .. ':open:' .. kind, 0, 0, 'WITHSCORES')
    if first[1] then
      local ahead = tonumber(first[2]) - tides[kind]
      if not lead or ahead < lead then
        best, lead = first[1], ahead
      end
    end
  end
  return best, lead
end

-- Whether the rate of an aggregation lets a job start. If not, it is held until it does.
local function take_start(found)
  if found.interval == 0 then
    return true
  end
  local micros = now * 1000
  local early = math.max(found.moment - micros, 0)
  if early > found.slack then
    found.held = now + math.floor((early - found.slack) / 1000) + 1
    return false
  end
  found.moment = math.max(found.moment, micros) + found.interval
  return true
end

local function start(name, lead)
  local found = aggregation(name)
  local id = call('ZRANGE', queue_key(name), 0, 0)[1]
  if not found.exists or not id then
    -- It cannot be: the counts change in the scripts that change the queues. Without this, a claim would not end.
    found.ready = 0
    place(found)
    return
  end
  local values = call('HMGET', job_key(id), 'state', 'epoch')
  if values[1] ~= 'ready' then
    call('ZREM', queue_key(name), id)
    return
  end
  if not take_start(found) then
    place(found)
    return
  end
  for _, kind in ipairs(kinds) do
    tides[kind] = tides[kind] + math.max(lead, 0)
  end
  call('ZREM', queue_key(name), id)
  -- The tide has reached it by now, if it was ahead.
  found.pass = tides[found.kind] + found.stride
  moved(name, 'ready', 'running')
  if is_open(found) then
    call('ZADD', P .. ':open:' .. found.kind, found.pass, name)
  else
    call('ZREM', P .. ':open:' .. found.kind, name)
  end
  call('HSET', job_key(id), 'state', 'running', 'node', node, 'since', now, 'until', now + lease,
    'epoch', tonumber(values[2]) + 1, 'claim', token)
  call('HDEL', job_key(id), 'progress')
  call('HINCRBY', job_key(id), 'rev', 1)
  call('ZADD', P .. ':running', now + lease, id)
  call('ZREM', P .. ':deadlines', id)
  event(id, name, 'running', '')
  if wake == 0 then
    wake = 4
  end
  give(id, found)
end

-- Numbers are exact up to 2^53. Long before, all that are open begin anew at zero; `place` sees to the others.
local function turn_back(kind)
  local open = P .. ':open:' .. kind
  call('ZUNIONSTORE', open, 1, open, 'WEIGHTS', 0)
  call('HSET', P .. ':tides', kind, 0)
end

if #jobs < max then
  for _, kind in ipairs(kinds) do
    make_ready(kind)
  end
  settle()
  for _, kind in ipairs(kinds) do
    if tide_of(kind) > LATEST_TIDE then
      turn_back(kind)
    end
    tides[kind] = tide_of(kind)
    before[kind] = tides[kind]
  end
  while #jobs < max do
    local name, lead = next_turn()
    if not name then
      break
    end
    start(name, lead)
  end
  for _, kind in ipairs(kinds) do
    if tides[kind] ~= before[kind] then
      call('HSET', P .. ':tides', kind, tides[kind])
    end
  end
end
close(wake)

local next = -1
local is_full = #jobs >= max
for _, kind in ipairs(kinds) do
  if is_full and call('ZCARD', P .. ':open:' .. kind) > 0 then
    next = 0
  end
  for _, sort in ipairs({ ':due:', ':held:' }) do
    local first = call('ZRANGE', P .. sort .. kind, 0, 0, 'WITHSCORES')
    if first[2] then
      local wait = math.max(tonumber(first[2]) - now, 0)
      if next < 0 or wait < next then
        next = wait
      end
    end
  end
end
return { 'ok', now, next, jobs }

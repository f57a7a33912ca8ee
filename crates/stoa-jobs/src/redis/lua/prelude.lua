-- What every script begins with. KEYS[1] is the hash tag with which all keys begin, so that they are in one slot; ARGV[1] is
-- the schema that the caller knows. Numbers come as integers below 2^53, which a Lua number holds exactly; joined into a
-- text they go through `int`, for `..` would round them.
local P = KEYS[1]
local call = redis.call
local STRIDE = 1048576
local LATEST_TIDE = 4503599627370496
local PRIORITY = 281474976710656
local FIELDS = {
  'settings', 'pinned', 'ready', 'running', 'scheduled', 'blocked', 'pass', 'moment', 'held',
  'concurrency', 'paused', 'stride', 'interval', 'slack',
}
local ENDED = { ok = true, dead = true, cancelled = true }

local cursor = 1
local function arg()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function number()
  return tonumber(arg())
end
local function int(value)
  return string.format('%.0f', value)
end

-- The clock of the store, in milliseconds.
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Whether a newer version of the library has written here, whose data this caller must not touch.
local function is_newer()
  local schema = call('GET', P .. ':schema')
  return schema and tonumber(schema) > tonumber(ARGV[1])
end

local function job_key(id)
  return P .. ':job:' .. id
end
local function queue_key(aggregation)
  return P .. ':queue:' .. aggregation
end
local function kind_of(aggregation)
  return string.match(aggregation, '^[^+]*')
end
local function tide_of(kind)
  return tonumber(call('HGET', P .. ':tides', kind) or '0')
end

-- Aggregations that this script has looked at. They are changed here and written once, by `settle`.
local aggregations = {}
local function aggregation(name)
  local found = aggregations[name]
  if not found then
    local values = call('HMGET', P .. ':aggregation:' .. name, unpack(FIELDS))
    found = { name = name, kind = kind_of(name), exists = values[1] ~= false }
    for index = 2, #FIELDS do
      found[FIELDS[index]] = tonumber(values[index] or '0')
    end
    found.settings = values[1]
    aggregations[name] = found
  end
  return found
end

local function is_open(found)
  return found.ready > 0 and found.paused == 0 and found.running < found.concurrency and found.held == 0
end

-- Puts an aggregation among those that may start jobs, or takes it out. What is stored of how far it came may be from before
-- the tide was last turned back (`turn_back`), and is then without meaning: none is further ahead than one stride.
local function place(found)
  if is_open(found) then
    found.pass = math.min(found.pass, tide_of(found.kind) + STRIDE)
    call('ZADD', P .. ':open:' .. found.kind, found.pass, found.name)
  else
    call('ZREM', P .. ':open:' .. found.kind, found.name)
  end
end

-- Writes the aggregations that were changed, or forgets those that have nothing to do.
local function settle()
  for name, found in pairs(aggregations) do
    if found.exists then
      local has_jobs = found.ready + found.running + found.scheduled + found.blocked > 0
      local idle = nil
      if not has_jobs and found.pinned == 0 then
        idle = found.interval > 0 and math.ceil(found.moment / 1000) or 0
      end
      if idle and idle <= now then
        call('DEL', P .. ':aggregation:' .. name)
        call('ZREM', P .. ':aggregations', name)
        call('ZREM', P .. ':open:' .. found.kind, name)
        call('ZREM', P .. ':held:' .. found.kind, name)
        call('ZREM', P .. ':idle', name)
      else
        place(found)
        local values = {}
        for _, field in ipairs(FIELDS) do
          values[#values + 1] = field
          values[#values + 1] = found[field]
        end
        call('HSET', P .. ':aggregation:' .. name, unpack(values))
        call('ZADD', P .. ':aggregations', 0, name)
        if found.held > 0 then
          call('ZADD', P .. ':held:' .. found.kind, found.held, name)
        else
          call('ZREM', P .. ':held:' .. found.kind, name)
        end
        if idle then
          call('ZADD', P .. ':idle', idle, name)
        else
          call('ZREM', P .. ':idle', name)
        end
      end
    end
  end
  aggregations = {}
end

-- How many jobs there are in each state, as this script changes it.
local counts = {}
local function moved(name, from, to)
  local found = aggregation(name)
  if from then
    counts[from] = (counts[from] or 0) - 1
    if found[from] then
      found[from] = math.max(found[from] - 1, 0)
    end
  end
  if to then
    counts[to] = (counts[to] or 0) + 1
    if found[to] then
      found[to] = found[to] + 1
    end
  end
end

-- Writes what has been counted and changed, and wakes those whom `wake` names: 1 who waits for jobs, 2 who runs jobs, 4 who
-- watches.
local function close(wake)
  settle()
  for state, count in pairs(counts) do
    if count ~= 0 then
      call('HINCRBY', P .. ':counts', state, count)
    end
  end
  if wake > 0 then
    call('XADD', P .. ':wake', 'MAXLEN', '~', 100, '*', 'wake', wake)
  end
end

local function event(id, name, to, class)
  local last = int(call('INCR', P .. ':event'))
  local values = { 'job', id, 'aggregation', name, 'to', to, 'at', now }
  if class ~= '' then
    values[#values + 1] = 'class'
    values[#values + 1] = class
  end
  call('XADD', P .. ':events', 'MAXLEN', '~', 10000, last .. '-0', unpack(values))
end

-- What is read of a job.
local RECORD = {
  'job', 'rev', 'number', 'epoch', 'turn', 'state', 'aggregation', 'since', 'node', 'until', 'progress', 'finished',
}
local function record(id)
  local values = call('HMGET', job_key(id), unpack(RECORD))
  if not values[1] then
    return false
  end
  return values
end

-- Shows aggregations. ARGV: schema, 'of' and a name, or 'after', a name or '', and how many.
-- Returns 'newer', or 'ok' and of each its name, settings, whether it is pinned, how many jobs are ready, run and wait, and
-- since when the one is ready that has been so for the longest time.
if is_newer() then
  return { 'newer' }
end
local function oldest_ready(name)
  local key, oldest = queue_key(name), false
  local function look(id)
    local since = id and call('HGET', job_key(id), 'since')
    if since and (not oldest or tonumber(since) < tonumber(oldest)) then
      oldest = since
    end
  end
  -- Promoted jobs have turns below zero, the latest first; the others of each priority are in their order.
  look(call('ZREVRANGEBYSCORE', key, '(0', '-inf', 'LIMIT', 0, 1)[1])
  for priority = 0, 9 do
    local from, to = priority * PRIORITY, (priority + 1) * PRIORITY - 1
    look(call('ZRANGEBYSCORE', key, int(from), int(to), 'LIMIT', 0, 1)[1])
  end
  return oldest
end
local names = {}
if arg() == 'of' then
  names = { arg() }
else
  local after = arg()
  local from = after == '' and '-' or '(' .. after
  names = call('ZRANGEBYLEX', P .. ':aggregations', from, '+', 'LIMIT', 0, number())
end
local shown = {}
for _, name in ipairs(names) do
  local values = call('HMGET', P .. ':aggregation:' .. name, 'settings', 'pinned', 'ready', 'running', 'scheduled')
  if values[1] then
    shown[#shown + 1] = { name, values[1], values[2], values[3], values[4], values[5], oldest_ready(name) }
  end
end
return { 'ok', shown }

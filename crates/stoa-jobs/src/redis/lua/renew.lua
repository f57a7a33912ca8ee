-- Makes leases last. ARGV: schema, lease in ms, then id, epoch and progress or '' of each.
-- Returns 'newer', or 'ok' and of each false if it is lost, '' if it holds, or why the job is to be cancelled.
if is_newer() then
  return { 'newer' }
end
local lease = number()
local answers = {}
while cursor < #ARGV do
  local id, epoch, progress = arg(), arg(), arg()
  local values = call('HMGET', job_key(id), 'state', 'epoch', 'until', 'cancel')
  local answer = false
  if values[1] == 'running' and values[2] == epoch and tonumber(values[3]) > now then
    -- First what needs no room, so that a full store renews as well.
    call('HDEL', job_key(id), 'nothing')
    call('HSET', job_key(id), 'until', now + lease)
    if progress ~= '' then
      call('HSET', job_key(id), 'progress', progress)
    end
    call('HINCRBY', job_key(id), 'rev', 1)
    call('ZADD', P .. ':running', now + lease, id)
    answer = values[4] or ''
  end
  answers[#answers + 1] = answer
end
return { 'ok', answers }

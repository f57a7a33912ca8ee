-- Sets the limits of an aggregation and pins it, or unpins it. ARGV: schema, name, and when it is pinned its settings,
-- concurrency, whether it is paused, stride, interval and slack.
if is_newer() then
  return 'newer'
end
local found = aggregation(arg())
if cursor == #ARGV then
  found.pinned = 0
else
  found.settings, found.concurrency, found.paused = arg(), number(), number()
  found.stride, found.interval, found.slack = number(), number(), number()
  found.exists, found.pinned, found.held = true, 1, 0
end
close(1)
return 'ok'

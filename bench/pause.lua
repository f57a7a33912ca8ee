-- Ten milliseconds between two requests of one connection.
function delay()
  return 10
end

-- driver: who owns the sockets.
--
-- A driver is a table:
--   name          a word for messages
--   capabilities  { race, peek, duplex, udp, bind: booleans;
--                   max_chunk: most bytes it wants in one SEND }
-- and either
--   run(jobs)     obeys each { delivery=, feed= } of the list until its `done`,
--                 all at once where it can; true, or nil, message, detail when
--                 it cannot work here (nothing was touched then)
-- or what driver/loop.lua needs to do so:
--   now()         seconds on a clock that never goes back (deadlines are on it)
--   connect(op)   op.tcp or UDP to op.ip, op.port, from op.source and over
--                 op.interface where given, until op.deadline (nil: no end):
--                 conn, or nil, kind, text
--   sleep(time)   until then on the clock of now(); needed where a feed says
--                 `later` only
--   keep(op, conn)  with `can` = {"keep"}: op.session is to be kept open on
--                 conn under op.key until op.idle_until, then sent its
--                 op.session:farewell(now()) and closed, both; whatever conn
--                 can read in between ends it
--   adopt(key)    … conn, session that were kept under this key, or nil
--   all(list)     optional: calls the functions of the list, at once; nothing,
--                 or false and what one of them raised
--   pcall(f)      optional: a pcall that f may yield through; with it a conn is
--                 closed at once when a feed raises
-- A conn has local_ip, peer_ip (text), index (which of op.targets it reached,
-- where they are raced), and
--   conn:send(data, deadline)     octets taken, or nil, kind, text
--   conn:receive(max, deadline)   octets, "" when the peer closed; a datagram
--                                 with UDP; or nil, kind, text
--   conn:peek(max)                with capabilities.peek: what can be received
--                                 without waiting, or nil
--   conn:close(abort)             returns nothing, never yields; who waits for
--                                 the conn meanwhile is told cancelled
-- kind is refused, unreachable, timeout, closed, reset, local or cancelled.
--
-- A feed answers what is no matter of sockets, with the words of the
-- delivery's answers: next, body, rewind and context return an answer; result,
-- host and trace return nothing.  What follows is asked only when the
-- delivery's `can` lists it: recall (space, key: "recalled", value or nil) and
-- remember (space, key, value or nil, expires in seconds since 1970) with
-- "recall", admit (what = "connection" or "messages", destination, provider, n:
-- "admitted", token, how many; or "later", when) and release (token) with
-- "admit".  next may return "later", when.

local driver = {}

-- driver.pick: the driver of a name or table; of nothing, that of the loop we
-- are in, and where there is none, native
function driver.pick(d)
  if type(d) == "table" then
    return require "directsend.driver.given".whole(d)
  end
  local m = package.loaded
  local near = m.ngx or m.cqueues or m.copas or m.luv
  d = d or near and require "directsend.driver.choice".around() or "native"
  return require("directsend.driver." .. d)
end

return driver

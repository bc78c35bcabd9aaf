-- route: where the mail of a domain goes when the configuration says so, and
-- whose mail does not go at all.

-- a route the user wrote down for this very domain
local function named(c, domain)
  return type(c.route) == "table" and c.route[domain] ~= nil
end

local function outside(c, domain)
  return c.accepted_domains and not c.accepted_domains[domain]
         and not named(c, domain)
end

-- "mx" or a pin; nil, why: nowhere
local function target_of(c, domain)
  if outside(c, domain) then
    return nil, domain .. " is not among accepted_domains"
  end
  local target = c.route
  if target ~= "mx" then target = target[domain] or target["*"] end
  if target then return target end
  return nil, ("no route leads to %s, and there is none for \"*\"")
              :format(domain)
end

-- what is the same for two domains makes them one destination
local function pinned(c, pin)
  local port = pin.port or c.port
  local source = table.concat(pin.source_address or {}, " ")
  return { key = table.concat({ pin.host, port, pin.tls or "", source }, "|"),
           route = pin.host .. ":" .. port, destination = pin.host, pin = pin }
end

-- for mail of this sender: a function of a recipient's domain that gives its
-- destination ({ key=, route=, destination=, pin= }), or nil and why there is
-- none
return function(c, sender)
  local own = sender ~= "" and sender:match "@([^@]*)$":lower()
  local barred = own and outside(c, own) and "the sender's domain " .. own
                 .. " is not among accepted_domains"
  return function(domain)
    if barred then return nil, barred end
    local target, why = target_of(c, domain)
    if not target then return nil, why end
    if target ~= "mx" then return pinned(c, target) end
    return { key = domain, route = "mx", destination = domain }
  end
end

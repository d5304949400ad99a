-- What Kong knows besides the request: who was authenticated, and which route and service serve it. Policies read it as
-- `from extension "KEY"` (docs/kong.md, "What a policy sees").
local bytes_of = require("kong.plugins.ipe.bytes")
local json = require("kong.plugins.ipe.request.json")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered

local kong, ngx = kong, ngx
local find, match, sub = string.find, string.match, string.sub

local JWT_PREFIX = "jwt."
-- Longer than any header that nginx takes.
local TOKEN_BYTES_MAX = 65536

-- `false` where Kong has none; anything but a table is not known.
local function entity(found)
  if found == nil then return false end
  return type(found) == "table" and found or undelivered
end

-- A member of an entity of Kong's: a text, or nil where the entity or the member is missing.
local function member(found, name)
  found = entity(found)
  if found == false then return nil end
  if found == undelivered then return undelivered end
  local value = found[name]
  -- Fields without a value are ngx.null in entities that come from declarative configuration.
  if value == nil or value == ngx.null then return nil end
  return type(value) == "string" and value or undelivered
end

-- Whether a member of a list survives being joined by commas and split again.
local function survives(text)
  return type(text) == "string" and text ~= "" and not find(text, ",", 1, true) and bytes_of.trim(text) == text
end

-- Several texts as one with commas between; undelivered where one of them would come back as another.
local function joined(list)
  if list == nil or list == ngx.null then return nil end
  if type(list) ~= "table" then return undelivered end
  for i = 1, #list do
    if not survives(list[i]) then return undelivered end
  end
  return table.concat(list, ",")
end

local function tags(found)
  found = entity(found)
  if found == false then return nil end
  if found == undelivered then return undelivered end
  return joined(found.tags)
end

-- Names of the ACL groups of the consumer, by what the bundled plugin acl uses itself (kong/plugins/acl/groups.lua); without
-- a consumer those that an authentication plugin left.
local function groups()
  local consumer = entity(kong.client.get_consumer())
  if consumer == undelivered then return undelivered end
  if consumer == false then return joined(kong.ctx.shared.authenticated_groups) end
  local ok, acl = pcall(require, "kong.plugins.acl.groups")
  if not ok then return undelivered end
  local found = acl.get_consumer_groups(consumer.id)
  if type(found) ~= "table" then return undelivered end
  return joined(found)
end

local tape = json.new_tape()

local function base64url(text)
  if #text % 4 == 1 or find(text, "[^A-Za-z0-9_-]") then return nil end
  return ngx.decode_base64((text:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#text % 4))
end

-- Scans the payload of the verified token onto the tape: true; nil where there is no token, false where it cannot be read.
local function scan_token()
  local token = kong.ctx.shared.authenticated_jwt_token
  if token == nil then return nil end
  if type(token) ~= "string" or #token > TOKEN_BYTES_MAX then return false end
  local payload = match(token, "^[^.]*%.([^.]*)%.[^.]*$")
  payload = payload and base64url(payload)
  return payload ~= nil and tape:scan(payload) and tape.kind[1] == json.OBJECT
end

local function claim_list(node)
  local list, child = {}, node + 1
  while child < tape.behind[node] do
    local kind = tape.kind[child]
    if kind ~= json.STRING and kind ~= json.ESCAPED then return undelivered end
    list[#list + 1] = tape:string(child)
    child = tape.behind[child]
  end
  return joined(list)
end

local function claim_value(node)
  local kind = tape.kind[node]
  if kind == json.STRING or kind == json.ESCAPED then return tape:string(node) end
  if kind == json.NUMBER then return tape:spelling(node) end
  if kind == json.TRUE then return "true" end
  if kind == json.FALSE then return "false" end
  if kind == json.NULL then return nil end
  if kind == json.ARRAY then return claim_list(node) end
  return undelivered
end

-- A claim at the top level of the payload on the tape.
local function claim(name)
  local node, stop = 2, tape.behind[1]
  while node < stop do
    if tape.names[node] == name then return claim_value(node + 1) end
    node = tape.behind[node]
  end
  return nil
end

-- By key. gen/targets.lua has the same keys: bundles that read others are refused.
local READ = {
  ["consumer.id"] = function() return member(kong.client.get_consumer(), "id") end,
  ["consumer.username"] = function() return member(kong.client.get_consumer(), "username") end,
  ["consumer.custom_id"] = function() return member(kong.client.get_consumer(), "custom_id") end,
  ["consumer.groups"] = groups,
  ["credential.id"] = function() return member(kong.client.get_credential(), "id") end,
  ["route.id"] = function() return member(kong.router.get_route(), "id") end,
  ["route.name"] = function() return member(kong.router.get_route(), "name") end,
  ["route.tags"] = function() return tags(kong.router.get_route()) end,
  ["service.id"] = function() return member(kong.router.get_service(), "id") end,
  ["service.name"] = function() return member(kong.router.get_service(), "name") end,
  ["service.tags"] = function() return tags(kong.router.get_service()) end,
}

local function load_claims(extensions, claims)
  -- Nothing waits between the scan and the last claim: the tape is one for the worker.
  local scanned = scan_token()
  if scanned == nil then return end
  for _, key in ipairs(claims) do
    if scanned then extensions[key] = claim(sub(key, #JWT_PREFIX + 1)) else extensions[key] = undelivered end
  end
end

-- The keys' values: a text, nothing where there is none, or undelivered. May wait for Kong's cache.
return function(keys)
  local extensions, claims = {}, nil
  for _, key in ipairs(keys) do
    local read = READ[key]
    if read then
      extensions[key] = read()
    elseif sub(key, 1, #JWT_PREFIX) == JWT_PREFIX then
      claims = claims or {}
      claims[#claims + 1] = key
    else
      extensions[key] = undelivered
    end
  end
  if claims then load_claims(extensions, claims) end
  return extensions
end

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
  -- Fields without a value are ngx.null in entities that come from declarative configuration. No name is empty.
  if value == nil or value == ngx.null or value == "" then return nil end
  return type(value) == "string" and value or undelivered
end

-- Whether a member of a list survives being joined by commas and split again.
local function survives(text)
  return type(text) == "string" and text ~= "" and not find(text, ",", 1, true) and bytes_of.trim(text) == text
end

-- Whether a table is an array and nothing else.
local function is_array(list)
  local count = 0
  for _ in pairs(list) do count = count + 1 end
  return count == #list
end

-- Several texts as one with commas between; undelivered where one of them would come back as another.
local function joined(list)
  for i = 1, #list do
    if not survives(list[i]) then return undelivered end
  end
  return table.concat(list, ",")
end

local function joined_array(list)
  if list == nil or list == ngx.null then return nil end
  if type(list) ~= "table" or not is_array(list) then return undelivered end
  return joined(list)
end

-- None are absent, since a plugin server cannot tell them from an empty list.
local function tags(found)
  found = entity(found)
  if found == false then return nil end
  if found == undelivered then return undelivered end
  local text = joined_array(found.tags)
  if text == "" then return nil end
  return text
end

-- Names of the ACL groups of a consumer, by what the bundled plugin acl uses itself (kong/plugins/acl/groups.lua): a table with
-- an array of them, and each by its name. May wait for Kong's cache.
local function acl_groups(consumer_id)
  if type(consumer_id) ~= "string" then return undelivered end
  local ok, found = pcall(function() return require("kong.plugins.acl.groups").get_consumer_groups(consumer_id) end)
  if not ok or type(found) ~= "table" or (#found == 0 and next(found) ~= nil) then return undelivered end
  return joined(found)
end

-- Those of the consumer; without a consumer those that an authentication plugin left.
local function groups()
  local consumer = entity(kong.client.get_consumer())
  if consumer == undelivered then return undelivered end
  if consumer == false then return joined_array(kong.ctx.shared.authenticated_groups) end
  return acl_groups(consumer.id)
end

local tape = json.new_tape()

-- Strictly: nginx takes letters whose spare bits are set, so what is decoded must be written in the same way.
local function base64url(text)
  if find(text, "[^A-Za-z0-9_-]") then return nil end
  local base64 = text:gsub("-", "+"):gsub("_", "/") .. ("="):rep(-#text % 4)
  local bytes = ngx.decode_base64(base64)
  return bytes and ngx.encode_base64(bytes) == base64 and bytes or nil
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

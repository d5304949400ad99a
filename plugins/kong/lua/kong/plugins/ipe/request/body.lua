-- The request body to slots (docs/request.md, section 7). The JSON pointers (RFC 6901) of all body attributes are one
-- tree, so that a body is walked once, whatever the number of attributes.
local bytes_of = require("kong.plugins.ipe.bytes")
local json = require("kong.plugins.ipe.request.json")
local json_values = require("kong.plugins.ipe.request.json_values")
local K = require("kong.plugins.ipe.gen.constants")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered

local NULL, ARRAY, OBJECT = json.NULL, json.ARRAY, json.OBJECT
local find, gsub, lower, match, sub = string.find, string.gsub, string.lower, string.match, string.sub
local SAFE_MAX = 9007199254740991

local Body = {}
Body.__index = Body

local M = {}

-- A node of the tree: the slots whose pointer ends here, and children with their tokens.
local function new_node() return { slots = {}, children = {}, tokens = {}, by_index = {} } end

-- The token as an array index: digits without a leading zero.
local function index_of(token) return (token == "0" or find(token, "^[1-9][0-9]*$")) and tonumber(token) or nil end

local function child_of(node, token)
  for i, own in ipairs(node.tokens) do
    if own == token then return node.children[i] end
  end
  local child = new_node()
  local place = #node.tokens + 1
  node.tokens[place] = token
  node.children[place] = child
  local index = index_of(token)
  -- An index beyond the exact integers is never there.
  if index and index <= SAFE_MAX then node.by_index[index] = child end
  return child
end

local function finish(node)
  if #node.tokens > 0 then node.group = json_values.name_group(node.tokens) end
  for _, child in ipairs(node.children) do finish(child) end
end

local function pointer_tree(slots)
  local root = new_node()
  for _, slot in ipairs(slots) do
    local node = root
    for token in slot.argument:gmatch("/([^/]*)") do
      node = child_of(node, (gsub(gsub(token, "~1", "/"), "~0", "~")))
    end
    node.slots[#node.slots + 1] = slot
  end
  finish(root)
  return root
end

function M.new(cells, enums, slots)
  return setmetatable(
    { root = pointer_tree(slots), cells = cells, values = json_values.new(cells, enums) }, Body
  )
end

-- Makes every slot of this node and below invalid.
local function refuse(cells, node)
  for _, slot in ipairs(node.slots) do cells:invalidate(slot.shape, slot.cell) end
  for _, child in ipairs(node.children) do refuse(cells, child) end
end

local walk

local function walk_object(values, node, object)
  local tape = values.tape
  local name, stop = object + 1, tape.behind[object]
  while name < stop and not values.spoiled do
    local place = json_values.find_name(node.group, tape.names[name])
    if place == false then
      values.spoiled = true
    elseif place then
      walk(values, node.children[place], name + 1)
    end
    name = tape.behind[name]
  end
end

local function walk_array(values, node, array)
  local tape = values.tape
  for i, child in ipairs(node.children) do
    if index_of(node.tokens[i]) == nil then refuse(values.cells, child) end
  end
  if next(node.by_index) == nil then return end
  local index, child, stop = 0, array + 1, tape.behind[array]
  while child < stop and not values.spoiled do
    local wanted = node.by_index[index]
    if wanted then walk(values, wanted, child) end
    index = index + 1
    child = tape.behind[child]
  end
end

-- Reads the slots of this node and below from the value; absent ones keep their state.
function walk(values, node, value)
  for _, slot in ipairs(node.slots) do values:read(slot.shape, slot.cell, value) end
  if node.group == nil or values.spoiled then return end
  local kind = values.tape.kind[value]
  if kind == OBJECT then
    walk_object(values, node, value)
  elseif kind == ARRAY then
    walk_array(values, node, value)
  elseif kind ~= NULL then
    for _, child in ipairs(node.children) do refuse(values.cells, child) end
  end
end

-- Whether a `content-type` value names `application/json` or a type that ends in `+json`; parameters are ignored.
local function is_json_type(value)
  local media_type = bytes_of.trim(match(value, "^[^;]*"))
  local slash = find(media_type, "/", 1, true)
  if slash == nil then return false end
  -- A `/` is no token byte, so a second one is refused here.
  if not (bytes_of.is_token(sub(media_type, 1, slash - 1)) and bytes_of.is_token(sub(media_type, slash + 1))) then
    return false
  end
  local folded = lower(media_type)
  return folded == "application/json" or sub(folded, -5) == "+json"
end

-- One line that names a media type of JSON.
local function has_json_type(headers)
  if headers:too_long("content-type") or headers.lines["content-type"] == nil then return false end
  local line = headers:only("content-type", false)
  return line ~= nil and is_json_type(line)
end

-- False where the whole body is invalid; some slots may then be written already.
local function read(self, request, headers)
  local body = request.body
  if type(body) ~= "string" or #body > K.LIMIT_BODY_BYTES_MAX then return false end
  if headers:some("content-encoding") then return false end
  if request.body_is_json ~= true and not has_json_type(headers) then return false end
  local values = self.values
  if not values.tape:scan(body) then return false end
  values:begin()
  walk(values, self.root, 1)
  return not values.spoiled
end

-- A body that is nil is undelivered, as one that is said to be.
function Body:load(request, headers)
  if request.body == "" then return end
  if request.body == undelivered or not read(self, request, headers) then refuse(self.cells, self.root) end
end

return M

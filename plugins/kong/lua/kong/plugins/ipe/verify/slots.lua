-- Rule 8: the slots, one for each fact about a request, and the maps.
local bit = require("bit")
local bytes_of = require("kong.plugins.ipe.bytes")
local K = require("kong.plugins.ipe.gen.constants")
local remembered = require("kong.plugins.ipe.verify.remembered")
local refusal = require("kong.plugins.ipe.verify.refusal")
local values = require("kong.plugins.ipe.verify.values")

local refuse, shown = refusal.refuse, refusal.shown
local is_safe_integer = values.is_safe_integer
local band, bnot = bit.band, bit.bnot
local find = string.find

local KNOWN_FLAGS = K.SLOT_READ + K.SLOT_OPTIONAL + K.SLOT_CLAIMED + K.SLOT_TRUSTED + K.SLOT_VERBATIM + K.SLOT_HAS_DEFAULT
-- Cells are numbered in 16 bits.
local GLOBAL_CELLS_MAX = 65535
local CLIENT_SOURCES = { header = true, query = true, cookie = true, capture = true, body = true }
local KEY_TYPES = { string = true, int = true, enum = true }
local ADDRESS_PREFIX = 128
local SEGMENT_CAPTURE = K.SEGMENT_CAPTURE

local M = {}

-- A JSON pointer (RFC 6901) within the limits.
local function is_pointer(text)
  if text == "" then return true end
  if text:sub(1, 1) ~= "/" or find(text, "~[^01]") or text:sub(-1) == "~" then return false end
  local _, tokens = text:gsub("/", "")
  return tokens <= K.LIMIT_POINTER_TOKENS_MAX
end

-- By source: why a text cannot be the argument, or false.
local function argument_problems(captured)
  local function named(text) return text == "" and "its name is empty" end
  return {
    header = remembered(function(text)
      if not bytes_of.is_lower_token(text) then return "it is not a header's name in lower case" end
      return text == "host" and "the host is the builtin `request.host`"
    end),
    query = named,
    cookie = remembered(function(text) return not bytes_of.is_token(text) and "it is not a cookie's name" end),
    capture = function(text) return not captured[text] and "no resource captures it" end,
    body = remembered(function(text)
      return not is_pointer(text) and "it is not a JSON pointer within the limits"
    end),
    extension = named,
  }
end

-- Texts of all captures. The segments are checked later, with the resources.
local function captured_names(t, strings)
  local names = {}
  for i = 0, t.segments.count - 1 do
    if t.segments:word(i, 0) == SEGMENT_CAPTURE then
      local text = strings[t.segments:word(i, 1)]
      if text then names[text] = true end
    end
  end
  return names
end

-- Is it the index of a constant of the scalar type?
local function constant_fits(shape, index, c, enums)
  local kind = shape.type
  if kind == "string" then return index < c.string_count end
  if kind == "int" or kind == "datetime" or kind == "duration" then return is_safe_integer(c.numbers[index]) end
  if kind == "float" then return index < c.number_count end
  if kind == "bool" then return index <= 1 end
  if kind == "enum" then return index < enums[shape.enum].count end
  if kind == "ip" then return c.prefixes[index] == ADDRESS_PREFIX end
  if kind == "cidr" then return index < c.network_count end
  return false
end

-- The constant of a scalar type as a cell holds it. The index fits.
local function constant_of(shape, index, c)
  local kind = shape.type
  if kind == "string" then return c.strings[index] end
  if kind == "ip" or kind == "cidr" then return c.networks[index] end
  if kind == "bool" or kind == "enum" then return index end
  return c.numbers[index]
end

-- Names of slots differ and this pins a builtin's, so that each is there at most once.
local function check_builtin(where, name, shape, flags, argument)
  local builtin = K.BUILTINS[argument]
  if builtin == nil then refuse(where, "unknown builtin " .. argument) end
  if builtin.name ~= name then
    refuse(where, "builtin " .. argument .. " is called `" .. builtin.name .. "`, not " .. shown(name))
  end
  if shape.type ~= builtin.type or (shape.type == "enum" and shape.enum ~= 0) then
    local wanted = builtin.type == "enum" and "member of enum 0" or builtin.type
    refuse(where, shown(name) .. " is a " .. wanted .. ", its shape is another")
  end
  if band(flags, bnot(K.SLOT_READ)) ~= 0 then
    refuse(where, shown(name) .. " is built in and has a flag other than `read`")
  end
end

local function check_marking(where, name, source, flags)
  local marking = band(flags, K.SLOT_CLAIMED + K.SLOT_TRUSTED)
  if CLIENT_SOURCES[source] then
    if marking ~= K.SLOT_CLAIMED and marking ~= K.SLOT_TRUSTED then
      refuse(where, shown(name) .. " comes from the client and is not marked with exactly one of claimed and trusted")
    end
  elseif marking ~= 0 then
    refuse(where, shown(name) .. " does not come from the client and is marked as if it did")
  end
end

local function check_declared(where, slot, flags, text, problem_of)
  local name, shape, source = slot.name, slot.shape, slot.source
  local problem = problem_of[source](text)
  if problem then refuse(where, source .. " " .. shown(text) .. ": " .. problem) end
  check_marking(where, name, source, flags)
  local element = shape.element
  if source ~= "body" then
    if shape.type == "record" or (element and element.type == "record") then
      refuse(where, shown(name) .. " is a record and does not come from the body")
    end
    -- Elements of text are texts: there is no spelling for a list in a list.
    if element and element.type == "list" then
      refuse(where, shown(name) .. " is a list of lists and does not come from the body")
    end
  end
  if source == "capture" and element then
    refuse(where, shown(name) .. " is a list and comes from a capture, which is one value")
  end
  if band(flags, K.SLOT_VERBATIM) ~= 0 and (source ~= "header" or element) then
    refuse(where, shown(name) .. " is `verbatim` and is not a header that is read as one value")
  end
end

local function check_default(where, slot, flags, index, c, enums)
  if band(flags, K.SLOT_HAS_DEFAULT) == 0 then
    if index ~= 0 then refuse(where, shown(slot.name) .. " has no default and its field is not zero") end
    return
  end
  if not constant_fits(slot.shape, index, c, enums) then
    refuse(where, "its default " .. index .. " is no " .. slot.shape.type)
  end
  slot.has_default = true
  slot.default = constant_of(slot.shape, index, c)
end

-- Rule 8 of slots. Returns them from 1 on, and the number of their cells.
function M.read(t, c, enums, shapes)
  local rows = t.slots
  local problem_of = argument_problems(captured_names(t, c.strings))
  local names, slots, types_of_resource = {}, {}, {}
  local cell = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local name = c.strings[rows:index(i, 0, "string", c.string_count)]
    if name == "" then refuse(where, "its name is empty") end
    local shape = shapes[rows:index(i, 1, "shape", t.shapes.count)]
    local source = K.SOURCE_NAMES[rows:byte(i, 8)]
    if source == nil then refuse(where, "unknown source " .. rows:byte(i, 8)) end
    local flags = rows:byte(i, 9)
    if band(flags, bnot(KNOWN_FLAGS)) ~= 0 then refuse(where, ("unknown bit in the flags 0x%x"):format(flags)) end
    if rows:half(i, 10) ~= 0 then refuse(where, "the half word behind its flags is not zero") end
    local argument = rows:word(i, 3)
    if names[name] then refuse(where, "a second slot " .. shown(name)) end
    names[name] = true
    local slot = { name = name, cell = cell, shape = shape, source = source }
    if source == "builtin" then
      check_builtin(where, name, shape, flags, argument)
      types_of_resource[shape] = true
      slot.argument = name
    else
      if shape.enum == 0 then refuse(where, shown(name) .. " is no builtin and has the shape of `resource.type`") end
      if argument >= c.string_count then
        refuse(where, "string " .. argument .. " does not exist, there are " .. c.string_count)
      end
      slot.argument = c.strings[argument]
      check_declared(where, slot, flags, slot.argument, problem_of)
    end
    slot.read = band(flags, K.SLOT_READ) ~= 0
    slot.verbatim = band(flags, K.SLOT_VERBATIM) ~= 0
    check_default(where, slot, flags, rows:word(i, 4), c, enums)
    slots[i + 1] = slot
    cell = cell + shape.width
    if cell > GLOBAL_CELLS_MAX then refuse(where, "with it the slots take more than " .. GLOBAL_CELLS_MAX .. " cells") end
  end
  for i = 0, t.shapes.count - 1 do
    if shapes[i].enum == 0 and not types_of_resource[shapes[i]] then
      refuse(t.shapes:at(i), "a shape of enum 0 that the builtin `resource.type` does not use")
    end
  end
  return slots, cell
end

-- Rule 8 of maps. A map has `key`, the shape of its keys, `value`, that of its values, and `entries`, from what a cell
-- holds of a key to what one holds of its value.
function M.read_maps(t, c, enums, shapes)
  local rows, entry_rows = t.maps, t.map_entries
  local maps = {}
  local next_one = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local key = shapes[rows:index(i, 0, "shape", t.shapes.count)]
    local value = shapes[rows:index(i, 1, "shape", t.shapes.count)]
    if not KEY_TYPES[key.type] then refuse(where, "a " .. key.type .. " is no key") end
    local first = next_one
    next_one = rows:next_range(i, 2, first, entry_rows)
    if next_one == first then refuse(where, "it is empty") end
    local entries, before = {}, nil
    for e = first, next_one - 1 do
      local k, v = entry_rows:word(e, 0), entry_rows:word(e, 1)
      if not constant_fits(key, k, c, enums) then refuse(entry_rows:at(e), "its key " .. k .. " is no " .. key.type) end
      if not constant_fits(value, v, c, enums) then
        refuse(entry_rows:at(e), "its value " .. v .. " is no " .. value.type)
      end
      local order = key.type == "int" and c.numbers[k] or k
      if before and before >= order then refuse(where, "its keys do not ascend") end
      before = order
      entries[constant_of(key, k, c)] = constant_of(value, v, c)
    end
    maps[i] = { key = key, value = value, entries = entries }
  end
  entry_rows:all_used(next_one)
  return maps
end

return M

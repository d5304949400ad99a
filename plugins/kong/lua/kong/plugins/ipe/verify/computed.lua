-- Rule 10 of instructions that compute: the shape of what they write.
local K = require("kong.plugins.ipe.gen.constants")
local is_safe_integer = require("kong.plugins.ipe.verify.values").is_safe_integer
local refuse = require("kong.plugins.ipe.verify.refusal").refuse
local types = require("kong.plugins.ipe.verify.types")

local NUMBERS = { int = true, float = true, datetime = true, duration = true }
-- Those whose bounds depend on the type.
local BOUNDED = { [K.OP_ADD] = true, [K.OP_SUBTRACT] = true, [K.OP_MULTIPLY] = true, [K.OP_SUM] = true }

-- Results of arithmetic by operands, besides those of numbers.
local TIMES = {
  ["datetime ADD duration"] = "datetime",
  ["duration ADD datetime"] = "datetime",
  ["duration ADD duration"] = "duration",
  ["datetime SUBTRACT datetime"] = "duration",
  ["datetime SUBTRACT duration"] = "datetime",
  ["duration SUBTRACT duration"] = "duration",
  ["duration MULTIPLY int"] = "duration",
  ["int MULTIPLY duration"] = "duration",
}

local function scalar(type_name) return { type = type_name, width = 1, enum = -1 } end

local function loaded_shape(where, code, i, facts)
  local type_name, b = K.TYPE_NAMES[code.field[i]], code.b[i]
  if not NUMBERS[type_name or ""] then refuse(where, "LOAD_NUMBER loads no type " .. code.field[i]) end
  if type_name ~= "float" and not code.column[i] and not is_safe_integer(facts.constants.numbers[b]) then
    refuse(where, "LOAD_NUMBER: " .. facts.constants.numbers[b] .. " is no " .. type_name)
  end
  return scalar(type_name)
end

local function arithmetic_shape(where, info, a, b)
  local a_is_number, b_is_number = a.type == "int" or a.type == "float", b.type == "int" or b.type == "float"
  if a_is_number and b_is_number then
    return scalar((a.type == "float" or b.type == "float") and "float" or "int")
  end
  local type_name = TIMES[a.type .. " " .. info.name .. " " .. b.type]
  if type_name == nil then
    refuse(where, info.name .. " makes nothing of a " .. a.type .. " and a " .. b.type)
  end
  return scalar(type_name)
end

local function field_shape(where, code, i, info, a, facts)
  local shape = types.cells_of(a.element)[code.field[i]]
  if shape == nil then refuse(where, info.name .. ": the element has no cell " .. code.field[i]) end
  local fits = NUMBERS[shape.type] and shape.type ~= "datetime"
  if code.op[i] ~= K.OP_SUM then
    fits = NUMBERS[shape.type] or (shape.type == "enum" and facts.enums[shape.enum].ordered)
  end
  if not fits then refuse(where, info.name .. " does not take a " .. shape.type) end
  return shape
end

local function shape_of(where, code, i, info, a, b, facts)
  local op = code.op[i]
  if op == K.OP_LOAD_NUMBER then return loaded_shape(where, code, i, facts) end
  if op == K.OP_ADD or op == K.OP_SUBTRACT or op == K.OP_MULTIPLY then return arithmetic_shape(where, info, a, b) end
  if op == K.OP_LOWER then return scalar("string") end
  if op == K.OP_LOOKUP then return facts.maps[code.b[i]].value end
  if op == K.OP_TALLY then return scalar("int") end
  return field_shape(where, code, i, info, a, facts)
end

-- Refuses what computes nothing. `a`, `b`: shapes of the operands, which have passed rule 11.
return function(where, code, i, info, a, b, facts)
  local shape = shape_of(where, code, i, info, a, b, facts)
  local float = BOUNDED[code.op[i]] and shape.type == "float" and 1 or 0
  if code.sense[i] ~= float then
    refuse(where, info.name .. " computes a " .. shape.type .. " and bit 8 is " .. code.sense[i])
  end
  return shape
end

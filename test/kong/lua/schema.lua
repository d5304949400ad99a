-- What Kong does with a plugin's schema (docs.konghq.com, "Schemas"; kong/db/schema of 3.9): checks a configuration, fills in
-- defaults, refuses what does not fit. Only what the plugin's schema uses.
local TYPES = {
  string = function(value) return type(value) == "string" end,
  boolean = function(value) return type(value) == "boolean" end,
  integer = function(value) return type(value) == "number" and value % 1 == 0 end,
}
local RULES = {
  len_min = function(value, least) return #value >= least or "length must be at least " .. least end,
  between = function(value, ends)
    return value >= ends[1] and value <= ends[2] or ("value should be between %d and %d"):format(ends[1], ends[2])
  end,
  one_of = function(value, list)
    for _, each in ipairs(list) do
      if value == each then return true end
    end
    return "expected one of: " .. table.concat(list, ", ")
  end,
}
-- What says something about a field and is no rule for its value.
local WORDS = { type = true, required = true, default = true, description = true }

local M = {}

-- Of a field that is not there: nil, or why that must not be.
local function check_field(field, value)
  if value == nil then return field.required and "required field missing" or nil end
  if not TYPES[field.type](value) then return "expected " .. (field.type == "integer" and "an integer" or "a " .. field.type) end
  for word, argument in pairs(field) do
    local rule = RULES[word]
    if rule then
      local result = rule(value, argument)
      if result ~= true then return result end
    elseif not WORDS[word] then
      error("the schema says `" .. word .. "`, which is not known here")
    end
  end
  return nil
end

local function config_of(schema)
  for _, entry in ipairs(schema.fields) do
    if entry.config then return entry.config end
  end
  error("the schema has no config")
end

-- A configuration with defaults filled in, and nothing checked.
function M.filled(schema, given)
  local config = {}
  for _, entry in ipairs(config_of(schema).fields) do
    local name, field = next(entry)
    config[name] = field.default
    if given[name] ~= nil then config[name] = given[name] end
  end
  return config
end

local function check_entity(check, entity)
  local count = 0
  for _, path in ipairs(assert(check.only_one_of, "a check that is not known here")) do
    if entity.config[path:match("^config%.(.*)$")] ~= nil then count = count + 1 end
  end
  if count == 1 then return nil end
  return "exactly one of these fields must be non-empty: '" .. table.concat(check.only_one_of, "', '") .. "'"
end

-- The configuration as the plugin gets it, in a new table; nil and the place with what is wrong with it.
function M.check(schema, given)
  local record, config, known = config_of(schema), M.filled(schema, given), {}
  assert(record.type == "record")
  for _, entry in ipairs(record.fields) do
    local name, field = next(entry)
    assert(next(entry, name) == nil and #field.description >= 10)
    known[name] = true
    local problem = check_field(field, config[name])
    if problem then return nil, "config." .. name .. ": " .. problem end
  end
  for name in pairs(given) do
    if not known[name] then return nil, "config." .. name .. ": unknown field" end
  end
  for _, check in ipairs(schema.entity_checks) do
    local problem = check_entity(check, { config = config })
    if problem then return nil, "@entity: " .. problem end
  end
  local ok, problem = record.custom_validator(config)
  if not ok then return nil, "config: " .. problem end
  return config
end

return M

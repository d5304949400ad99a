-- Texts of obligations with values of the request in them.
local cell_texts = require("kong.plugins.ipe.runtime.cell_texts")
local K = require("kong.plugins.ipe.gen.constants")

local byte, find, format, gsub, ipairs = string.byte, string.find, string.format, string.gsub, ipairs

local ABSENT, PRESENT = 0, 1
local BYTES_MAX = K.LIMIT_PART_BYTES_MAX

-- As a header's value may be: visible ASCII, with blanks only between.
local function is_visible(text) return not find(text, "[^ -~]") and byte(text) ~= 0x20 and byte(text, -1) ~= 0x20 end

local FITS = {
  [K.OBLIGATION_SET_REQUEST_HEADER] = is_visible,
  [K.OBLIGATION_SET_RESPONSE_HEADER] = is_visible,
  -- A comma would add a value of its own.
  [K.OBLIGATION_APPEND_REQUEST_HEADER] = function(text) return is_visible(text) and not find(text, ",", 1, true) end,
}

local M = {}

-- What an obligation with parts sets: false where a value is absent or empty, so that there is nothing to set; nil where one
-- is invalid, too long, or nothing that may stand there.
function M.of(obligation, cells)
  local fits = FITS[obligation.kind]
  local text, missing = obligation.value, false
  for _, part in ipairs(obligation.parts) do
    local state, own = cells.state[part.cell], ""
    if state == PRESENT then
      own = cell_texts[part.type](cells.value[part.cell], part.members)
      if #own > BYTES_MAX or (fits and own ~= "" and not fits(own)) then return nil end
    elseif state ~= ABSENT then
      return nil
    end
    missing = missing or own == ""
    text = text .. own .. part.text
  end
  return not missing and text
end

local function escape(c)
  if c == '"' or c == "\\" then return "\\" .. c end
  return format("\\u%04x", byte(c))
end

-- Between the quotes of a JSON string.
local function in_json(text) return (gsub(text, '[%z\1-\31"\\]', escape)) end

-- The body of a denial: what is absent, invalid or too long is left out.
function M.body(first, body_parts, cells)
  local text = first
  for _, part in ipairs(body_parts.parts) do
    local own = ""
    if cells.state[part.cell] == PRESENT then
      own = cell_texts[part.type](cells.value[part.cell], part.members)
      if #own > BYTES_MAX then own = "" end
    end
    text = text .. (body_parts.is_json and in_json(own) or own) .. part.text
  end
  return text
end

return M

-- Headers to slots (docs/request.md, section 4), and the lines that cookies and the body ask for.
local bytes_of = require("kong.plugins.ipe.bytes")
local cells_of = require("kong.plugins.ipe.request.cells")
local K = require("kong.plugins.ipe.gen.constants")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered
local values = require("kong.plugins.ipe.request.values")

local find, lower = string.find, string.lower
local HEADER_BYTES_MAX = K.LIMIT_HEADER_BYTES_MAX
local INVALID = cells_of.INVALID
local JOINABLE = {}
for _, name in ipairs(K.JOINABLE_HEADERS) do JOINABLE[name] = true end

local Headers = {}
Headers.__index = Headers

local M = {}

-- `names` that the program reads, in lower case.
function M.new(names)
  local read, totals = {}, {}
  for _, name in ipairs(names) do
    read[name] = true
    totals[name] = 0
  end
  -- `lines`: values by name, without blanks at both ends; `totals`: bytes in all lines of a name, blanks included.
  return setmetatable({ read = read, lines = {}, totals = totals, joined = false }, Headers)
end

-- Keeps the lines that are read.
function Headers:load(request)
  local read, lines, totals = self.read, self.lines, self.totals
  local headers = request.headers
  local missing = headers == nil or headers == undelivered
  for name in pairs(read) do
    lines[name] = nil
    -- What nobody delivered is refused everywhere, as what is too long.
    totals[name] = missing and HEADER_BYTES_MAX + 1 or 0
  end
  self.joined = request.headers_joined == true
  if missing then return end
  for _, line in ipairs(headers) do
    local name = lower(line.name)
    if read[name] then
      local value = line.value
      totals[name] = totals[name] + #value
      if totals[name] <= HEADER_BYTES_MAX then
        local own = lines[name]
        if own == nil then
          own = {}
          lines[name] = own
        end
        own[#own + 1] = bytes_of.trim(value)
      end
    end
  end
end

function Headers:too_long(name) return self.totals[name] > HEADER_BYTES_MAX end

-- Whether there is some line of the name, also one over the limit.
function Headers:some(name) return self.lines[name] ~= nil or self:too_long(name) end

-- The line that is not empty, or all such lines with commas between them; nil where `verbatim` does not ask for that.
local function joined_line(lines, verbatim)
  local full = {}
  for _, line in ipairs(lines) do
    if line ~= "" then full[#full + 1] = line end
  end
  if #full == 0 then return "" end
  if #full == 1 then return full[1] end
  return verbatim and table.concat(full, ",") or nil
end

-- The one line of a name that has lines, or nil where it stands for several. Of a name that proxies join the lines are
-- joined here too, so that it does not matter whether one did: empty ones drop out, and a comma means several.
function Headers:only(name, verbatim)
  local lines = self.lines[name]
  local joinable = JOINABLE[name]
  local line
  if joinable then line = joined_line(lines, verbatim) elseif #lines == 1 then line = lines[1] end
  if line == nil or verbatim or not (joinable or self.joined) then return line end
  if find(line, ",", 1, true) then return nil end
  return line
end

-- Reads one slot; `name` is that of its header.
function Headers:load_slot(cells, enums, slot, name)
  local cell = slot.cell
  if self:too_long(name) then
    cells.state[cell] = INVALID
    return
  end
  local lines = self.lines[name]
  if lines == nil then return end
  if slot.shape.element then
    values.begin_list(cells, cell)
    for _, line in ipairs(lines) do
      values.split_list(cells, enums, slot, name == "cookie" and ";" or ",", line)
    end
    return
  end
  local line = self:only(name, slot.verbatim)
  if line == nil then
    cells.state[cell] = INVALID
  else
    values.read_text(cells, enums, slot.shape, cell, line)
  end
end

return M

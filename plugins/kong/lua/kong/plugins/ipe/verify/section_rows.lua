-- Rows of 32-bit words in a section. Only made once their whole extent is known to lie inside the bundle, or read only
-- after that is known.
local bytes_of = require("kong.plugins.ipe.bytes")
local constants = require("kong.plugins.ipe.gen.constants")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse

local u16, u32 = bytes_of.u16, bytes_of.u32
local byte = string.byte
local NONE = constants.NONE

local Rows = {}
Rows.__index = Rows

local M = {}

-- `label`: how messages call one entry, as in `slots entry`. Rows count from 0.
function M.new(label, bytes, offset, count, row_bytes)
  return setmetatable({ label = label, bytes = bytes, offset = offset, count = count, row_bytes = row_bytes }, Rows)
end

-- Unsigned 32-bit word `column` of a row.
function Rows:word(row, column) return u32(self.bytes, self.offset + row * self.row_bytes + column * 4) end

-- Byte `at` of a row.
function Rows:byte(row, at) return byte(self.bytes, self.offset + row * self.row_bytes + at + 1) end

-- Unsigned 16-bit number at byte `at` of a row.
function Rows:half(row, at) return u16(self.bytes, self.offset + row * self.row_bytes + at) end

-- Offset of a row in the bundle.
function Rows:start(row) return self.offset + row * self.row_bytes end

-- What messages call a row.
function Rows:at(row) return self.label .. " " .. row end

-- An index below `count` of what is called `what`.
function Rows:index(row, column, what, count)
  local index = self:word(row, column)
  if index >= count then refuse(self:at(row), what .. " " .. index .. " does not exist, there are " .. count) end
  return index
end

-- An index below `count`, or -1 for none.
function Rows:index_or_none(row, column, what, count)
  if self:word(row, column) == NONE then return -1 end
  return self:index(row, column, what, count)
end

-- A range of rows of another table, given by its first row and count in two neighbouring columns. Ranges follow one
-- another without gap: each starts where `next_one` says. Returns where the next one starts.
function Rows:next_range(row, column, next_one, of)
  local first, count = self:word(row, column), self:word(row, column + 1)
  if first ~= next_one then
    refuse(self:at(row), "its " .. of.label .. " range starts at " .. first .. ", not where the one before ends, at " .. next_one)
  end
  if count > of.count - first then
    refuse(self:at(row), "its " .. of.label .. " range of " .. count .. " from " .. first .. " passes the end, there are " .. of.count)
  end
  return first + count
end

-- All rows are used by ranges that ended at `next_one`.
function Rows:all_used(next_one)
  if next_one ~= self.count then refuse(self:at(next_one), "no entry uses it") end
end

return M

-- Values of the request as text: for what a limit counts by, and for texts of obligations.
local format = string.format

-- By type of the cell.
return {
  string = function(value) return value end,
  bool = function(value) return value == 1 and "true" or "false" end,
  -- Of zero with a sign there is none in a text.
  int = function(value) return value == 0 and "0" or format("%.0f", value) end,
  enum = function(value, members) return members[value] or "" end,
}

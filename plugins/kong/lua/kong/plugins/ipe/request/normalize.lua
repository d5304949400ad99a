-- The modes of `normalize` that change a path (docs/request.md, section 3), as Envoy does it for Istio.
local K = require("kong.plugins.ipe.gen.constants")

local char, concat, find, gmatch, gsub = string.char, table.concat, string.find, string.gmatch, string.gsub

-- An escape of a letter, digit, `-`, `.`, `_` or `~` is the character itself.
local function decode_unreserved(digits)
  local plain = char(tonumber(digits, 16))
  return find(plain, "^[%w%-._~]$") and plain or nil
end

-- Segments without `.` and `..`; nil where `..` stands behind an empty segment, which two programs leave differently.
local function resolve(path)
  local segments, count, open = {}, 0, false
  for segment in gmatch(path, "/([^/]*)") do
    -- A path that ends in dots ends in a slash.
    open = segment == "." or segment == ".."
    if segment == ".." and count > 0 then
      if segments[count] == "" then return nil end
      segments[count] = nil
      count = count - 1
    elseif not open then
      count = count + 1
      segments[count] = segment
    end
  end
  if open then segments[count + 1] = "" end
  return "/" .. concat(segments, "/")
end

-- A path that starts with `/`, is visible ASCII and holds no `;`. Returns nil for a malformed escape, a character that no
-- URL holds, `..` behind an empty segment and, where slashes are merged, a path of slashes only.
return function(path, mode)
  if find(path, '["<>^`{|}]') then return nil end
  if find(gsub(path, "%%%x%x", ""), "%", 1, true) then return nil end
  path = gsub(path, "%%(%x%x)", decode_unreserved)
  if mode == K.PATH_DECODE_AND_MERGE_SLASHES then path = gsub(gsub(path, "%%2[fF]", "/"), "%%5[cC]", "/") end
  path = resolve((gsub(path, "\\", "/")))
  if path == nil or mode < K.PATH_MERGE_SLASHES then return path end
  local merged = gsub(path, "//+", "/")
  if merged == "/" and path ~= "/" then return nil end
  return merged
end

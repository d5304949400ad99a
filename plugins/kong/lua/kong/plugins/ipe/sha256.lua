-- SHA-256 (FIPS 180-4) in Lua, so that the loader needs no library that only Kong has.
local bit = require("bit")
local band, bnot, bxor, ror, rshift, tobit = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift, bit.tobit
local byte, char, rep, sub = string.byte, string.char, string.rep, string.sub

local K = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
for i = 1, 64 do K[i] = tobit(K[i]) end

local BLOCK = 64
local words = {}

-- Takes in the 64 bytes behind `at`.
local function block(hash, bytes, at)
  for i = 1, 16 do
    local a, b, c, d = byte(bytes, at + i * 4 - 3, at + i * 4)
    words[i] = tobit(((a * 256 + b) * 256 + c) * 256 + d)
  end
  for i = 17, 64 do
    local x, y = words[i - 15], words[i - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    words[i] = tobit(words[i - 16] + s0 + words[i - 7] + s1)
  end
  local a, b, c, d, e, f, g, h = hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], hash[8]
  for i = 1, 64 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local t1 = h + s1 + bxor(band(e, f), band(bnot(e), g)) + K[i] + words[i]
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local t2 = s0 + bxor(band(a, b), band(a, c), band(b, c))
    h, g, f, e, d, c, b, a = g, f, e, tobit(d + t1), c, b, a, tobit(t1 + t2)
  end
  hash[1], hash[2], hash[3], hash[4] = tobit(hash[1] + a), tobit(hash[2] + b), tobit(hash[3] + c), tobit(hash[4] + d)
  hash[5], hash[6], hash[7], hash[8] = tobit(hash[5] + e), tobit(hash[6] + f), tobit(hash[7] + g), tobit(hash[8] + h)
end

local function big_endian(value)
  return char(band(rshift(value, 24), 255), band(rshift(value, 16), 255), band(rshift(value, 8), 255), band(value, 255))
end

-- The 32 bytes of the hash of `length` bytes behind `offset`, of all without them.
return function(bytes, offset, length)
  offset = offset or 0
  length = length or #bytes
  local hash = {
    0x6a09e667, tobit(0xbb67ae85), 0x3c6ef372, tobit(0xa54ff53a), 0x510e527f, tobit(0x9b05688c), 0x1f83d9ab, 0x5be0cd19,
  }
  local whole = length - length % BLOCK
  for at = offset, offset + whole - 1, BLOCK do block(hash, bytes, at) end
  -- What is left, a one bit, zeros, and the length in bits.
  local rest = sub(bytes, offset + whole + 1, offset + length)
  local zeros = (55 - #rest) % BLOCK
  local bits = length * 8
  local tail = rest .. "\128" .. rep("\0", zeros) .. big_endian(math.floor(bits / 0x100000000)) .. big_endian(tobit(bits))
  for at = 0, #tail - 1, BLOCK do block(hash, tail, at) end
  local parts = {}
  for i = 1, 8 do parts[i] = big_endian(hash[i]) end
  return table.concat(parts)
end

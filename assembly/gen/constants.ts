// Generated from core/bytecode/spec/bytecode.json by `npm run gen`. Do not edit.

/** `IPE` and a zero byte, as a little-endian u32. */
// @ts-ignore: decorator
@inline export const MAGIC: u32 = 4542537;
// @ts-ignore: decorator
@inline export const FORMAT_VERSION: u32 = 1;
// @ts-ignore: decorator
@inline export const SEMANTICS_VERSION: u32 = 1;
/** No index. */
// @ts-ignore: decorator
@inline export const NONE: u32 = 4294967295;
// @ts-ignore: decorator
@inline export const HEADER_BYTES: u32 = 64;
// @ts-ignore: decorator
@inline export const SECTION_ENTRY_BYTES: u32 = 44;
// @ts-ignore: decorator
@inline export const SECTION_COUNT: u32 = 18;
// @ts-ignore: decorator
@inline export const INSTRUCTION_BYTES: u32 = 8;
/** Bits of the header's flags below the path mode. */
// @ts-ignore: decorator
@inline export const PATH_MODE_SHIFT: u32 = 1;
/** Bits of a policy's flags below what becomes of its limits while nobody can count. */
// @ts-ignore: decorator
@inline export const LIMITER_FAILURE_SHIFT: u32 = 1;
export const DIGEST_DOMAIN: string = "ipe-bundle-digest-v1\n";

/** `IPE` and a zero byte. */
// @ts-ignore: decorator
@inline export const HEADER_MAGIC: u32 = 0;
/** Layout of the bytes. A runtime refuses every version but its own. */
// @ts-ignore: decorator
@inline export const HEADER_FORMAT_VERSION: u32 = 4;
/** Meaning of the instructions and of the mapping from requests to slots. */
// @ts-ignore: decorator
@inline export const HEADER_SEMANTICS_VERSION: u32 = 6;
/** Required-feature bits. The loader recomputes them and refuses a difference, or a bit it does not know. */
// @ts-ignore: decorator
@inline export const HEADER_FEATURES: u32 = 8;
/** Bit 0: `default allow`. Bits 1-3: what is done to paths, by id. */
// @ts-ignore: decorator
@inline export const HEADER_FLAGS: u32 = 12;
/** Length of the whole bundle; must equal the number of bytes given. */
// @ts-ignore: decorator
@inline export const HEADER_TOTAL_BYTES: u32 = 16;
/** Number of entries in the section table; all sections are present, in order. */
// @ts-ignore: decorator
@inline export const HEADER_SECTION_COUNT: u32 = 20;
/** Limit on a request body, in bytes; in this version it must equal the constant. */
// @ts-ignore: decorator
@inline export const HEADER_BODY_BYTES_MAX: u32 = 24;
/** Limit on the elements of one list; in this version it must equal the constant. */
// @ts-ignore: decorator
@inline export const HEADER_LIST_ELEMENTS_MAX: u32 = 28;
/** SHA-256 over the digest domain, header bytes 0-15 and 24-31, and the id (u32) and hash of every section in order. */
// @ts-ignore: decorator
@inline export const HEADER_DIGEST: u32 = 32;

/** Section id; ids ascend from 1 without a gap. */
// @ts-ignore: decorator
@inline export const SECTION_ENTRY_ID: u32 = 0;
/** Start in the bundle. The first section starts right behind the table, each other one where the one before ends. */
// @ts-ignore: decorator
@inline export const SECTION_ENTRY_OFFSET: u32 = 4;
/** Bytes, a multiple of 4. The last section ends where the bundle ends. */
// @ts-ignore: decorator
@inline export const SECTION_ENTRY_LENGTH: u32 = 8;
/** SHA-256 of the section's bytes. */
// @ts-ignore: decorator
@inline export const SECTION_ENTRY_HASH: u32 = 12;

/** A larger bundle is refused unread. */
// @ts-ignore: decorator
@inline export const LIMIT_BUNDLE_BYTES_MAX: u32 = 536870912;
/** The filter and the Lua runtime refuse a larger one: their memory is the proxy's. */
// @ts-ignore: decorator
@inline export const LIMIT_FILTER_BUNDLE_BYTES_MAX: u32 = 67108864;
/** A longer request body makes every body attribute invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_BODY_BYTES_MAX: u32 = 262144;
/** A list with more elements is invalid (from a body: the whole body is). */
// @ts-ignore: decorator
@inline export const LIMIT_LIST_ELEMENTS_MAX: u32 = 256;
/** Cells of all lists of one body together; beyond it the body is invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_CELLS_MAX: u32 = 65536;
/** Nesting of arrays and objects in a body; beyond it the body is invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_JSON_DEPTH_MAX: u32 = 64;
/** Bytes in the spelling of one number that an attribute reads; a longer one is invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_NUMBER_BYTES_MAX: u32 = 128;
/** Bytes in method, path with query, or host; beyond it that fact is invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_PATH_BYTES_MAX: u32 = 16384;
/** Bytes in all field lines of one header that an attribute reads; beyond it the slot is invalid. */
// @ts-ignore: decorator
@inline export const LIMIT_HEADER_BYTES_MAX: u32 = 65536;
/** Aggregates inside one another; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_FRAME_DEPTH_MAX: u32 = 2;
/** Cells of one value (a record with its fields); the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_SHAPE_WIDTH_MAX: u32 = 256;
/** Values that are computed for one test; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_TEMPORARIES_MAX: u32 = 8;
/** Tokens in one JSON pointer; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_POINTER_TOKENS_MAX: u32 = 32;
/** Nodes from the root of an explain tree to a leaf; the verifier refuses more, the parser far fewer. */
// @ts-ignore: decorator
@inline export const LIMIT_EXPLAIN_DEPTH_MAX: u32 = 1024;
/** Rows of one automaton; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_AUTOMATON_STATES_MAX: u32 = 4094;
/** Bytes of the rows of one automaton; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_AUTOMATON_BYTES_MAX: u32 = 262144;
/** Limits of one policy; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_LIMITS_MAX: u32 = 8;
/** Attributes that one limit counts by; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_LIMIT_KEYS_MAX: u32 = 4;
/** Tokens in the full bucket of a limit; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_LIMIT_BURST_MAX: u32 = 1000000;
/** Seconds until an empty bucket of a limit is full; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_LIMIT_FILL_SECONDS_MAX: u32 = 31622400;
/** Bytes of one text that a limit counts by; by a longer one nothing can be counted. */
// @ts-ignore: decorator
@inline export const LIMIT_LIMIT_KEY_BYTES_MAX: u32 = 256;
/** Values of attributes in one text of an obligation; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_PARTS_MAX: u32 = 8;
/** Bytes of one value in a text of an obligation; a longer one cannot be set, and a body leaves it out. */
// @ts-ignore: decorator
@inline export const LIMIT_PART_BYTES_MAX: u32 = 1024;
/** Bytes in the name of a query parameter or of a key of metadata that is set; the compiler and the verifier refuse more. */
// @ts-ignore: decorator
@inline export const LIMIT_TARGET_BYTES_MAX: u32 = 256;

/** Some slot that is read comes from the request body. */
// @ts-ignore: decorator
@inline export const FEATURE_BODY: u32 = 1;
/** The code holds an instruction with a list and a body: ANY, ALL, COUNT, TALLY, SUM, MIN, MAX. */
// @ts-ignore: decorator
@inline export const FEATURE_AGGREGATES: u32 = 2;
/** The code tests addresses or networks. */
// @ts-ignore: decorator
@inline export const FEATURE_NETWORKS: u32 = 4;
/** The code holds an instruction that computes. */
// @ts-ignore: decorator
@inline export const FEATURE_COMPUTING: u32 = 8;
/** Some policy has a limit: who cannot count must not allow. */
// @ts-ignore: decorator
@inline export const FEATURE_LIMITS: u32 = 16;

/** A request on which no policy has a word is allowed. */
// @ts-ignore: decorator
@inline export const FLAG_DEFAULT_ALLOW: u32 = 1;

/** What two programs could read differently is invalid. */
// @ts-ignore: decorator
@inline export const PATH_REJECT: u32 = 0;
/** Nothing: empty and dot segments are segments like others. */
// @ts-ignore: decorator
@inline export const PATH_NONE: u32 = 1;
/** Escapes of unreserved characters are decoded, `\` is `/`, dot segments are resolved. */
// @ts-ignore: decorator
@inline export const PATH_BASE: u32 = 2;
/** As `BASE`, then adjacent slashes are one. */
// @ts-ignore: decorator
@inline export const PATH_MERGE_SLASHES: u32 = 3;
/** As `MERGE_SLASHES`, with `%2F` and `%5C` decoded first. */
// @ts-ignore: decorator
@inline export const PATH_DECODE_AND_MERGE_SLASHES: u32 = 4;

/** The policy has no say at all when it has expired. */
// @ts-ignore: decorator
@inline export const POLICY_FLAG_OFF_WHEN_EXPIRED: u32 = 1;

/** Each host counts alone. */
// @ts-ignore: decorator
@inline export const LIMITER_FAILURE_LOCAL: u32 = 0;
/** The request is denied. */
// @ts-ignore: decorator
@inline export const LIMITER_FAILURE_DENY: u32 = 1;
/** The limit does not count. */
// @ts-ignore: decorator
@inline export const LIMITER_FAILURE_ALLOW: u32 = 2;

/** Some code reads the slot; only such slots are loaded. */
// @ts-ignore: decorator
@inline export const SLOT_READ: u32 = 1;
/** Declared with `?`. */
// @ts-ignore: decorator
@inline export const SLOT_OPTIONAL: u32 = 2;
/** Marked `claimed`. */
// @ts-ignore: decorator
@inline export const SLOT_CLAIMED: u32 = 4;
/** Marked `trusted`. */
// @ts-ignore: decorator
@inline export const SLOT_TRUSTED: u32 = 8;
/** A comma in a joined header value does not count as several lines. */
// @ts-ignore: decorator
@inline export const SLOT_VERBATIM: u32 = 16;
/** The field `default` holds a value, used when the slot is absent. */
// @ts-ignore: decorator
@inline export const SLOT_HAS_DEFAULT: u32 = 32;

// @ts-ignore: decorator
@inline export const TYPE_STRING: u32 = 0;
// @ts-ignore: decorator
@inline export const TYPE_INT: u32 = 1;
// @ts-ignore: decorator
@inline export const TYPE_FLOAT: u32 = 2;
// @ts-ignore: decorator
@inline export const TYPE_BOOL: u32 = 3;
// @ts-ignore: decorator
@inline export const TYPE_ENUM: u32 = 4;
// @ts-ignore: decorator
@inline export const TYPE_IP: u32 = 5;
// @ts-ignore: decorator
@inline export const TYPE_CIDR: u32 = 6;
// @ts-ignore: decorator
@inline export const TYPE_DATETIME: u32 = 7;
// @ts-ignore: decorator
@inline export const TYPE_DURATION: u32 = 8;
// @ts-ignore: decorator
@inline export const TYPE_LIST: u32 = 9;
// @ts-ignore: decorator
@inline export const TYPE_RECORD: u32 = 10;

/** argument = a builtin's id */
// @ts-ignore: decorator
@inline export const SOURCE_BUILTIN: u32 = 0;
/** argument = lower-case field name (string) */
// @ts-ignore: decorator
@inline export const SOURCE_HEADER: u32 = 1;
/** argument = decoded parameter name (string) */
// @ts-ignore: decorator
@inline export const SOURCE_QUERY: u32 = 2;
/** argument = cookie name (string) */
// @ts-ignore: decorator
@inline export const SOURCE_COOKIE: u32 = 3;
/** argument = capture name (string) */
// @ts-ignore: decorator
@inline export const SOURCE_CAPTURE: u32 = 4;
/** argument = JSON pointer (string) */
// @ts-ignore: decorator
@inline export const SOURCE_BODY: u32 = 5;
/** argument = key (string) */
// @ts-ignore: decorator
@inline export const SOURCE_EXTENSION: u32 = 6;

// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_METHOD: u32 = 0;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_PATH: u32 = 1;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_QUERY: u32 = 2;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_HOST: u32 = 3;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_SCHEME: u32 = 4;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_PROTOCOL: u32 = 5;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_SIZE: u32 = 6;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_ID: u32 = 7;
// @ts-ignore: decorator
@inline export const BUILTIN_SOURCE_IP: u32 = 8;
// @ts-ignore: decorator
@inline export const BUILTIN_SOURCE_PORT: u32 = 9;
// @ts-ignore: decorator
@inline export const BUILTIN_SOURCE_PRINCIPAL: u32 = 10;
// @ts-ignore: decorator
@inline export const BUILTIN_DESTINATION_IP: u32 = 11;
// @ts-ignore: decorator
@inline export const BUILTIN_DESTINATION_PORT: u32 = 12;
// @ts-ignore: decorator
@inline export const BUILTIN_DESTINATION_PRINCIPAL: u32 = 13;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_MTLS: u32 = 14;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_REQUESTED_SERVER_NAME: u32 = 15;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_TLS_VERSION: u32 = 16;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_SUBJECT_PEER_CERTIFICATE: u32 = 17;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_URI_SAN_PEER_CERTIFICATE: u32 = 18;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_DNS_SAN_PEER_CERTIFICATE: u32 = 19;
// @ts-ignore: decorator
@inline export const BUILTIN_CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST: u32 = 20;
// @ts-ignore: decorator
@inline export const BUILTIN_REQUEST_TIME: u32 = 21;
// @ts-ignore: decorator
@inline export const BUILTIN_RESOURCE_TYPE: u32 = 22;

// @ts-ignore: decorator
@inline export const POLICY_KIND_POLICY: u32 = 0;
// @ts-ignore: decorator
@inline export const POLICY_KIND_GUARD: u32 = 1;

// @ts-ignore: decorator
@inline export const MODE_ENFORCE: u32 = 0;
// @ts-ignore: decorator
@inline export const MODE_PERMISSIVE: u32 = 1;

// @ts-ignore: decorator
@inline export const SEVERITY_CRITICAL: u32 = 0;
// @ts-ignore: decorator
@inline export const SEVERITY_HIGH: u32 = 1;
// @ts-ignore: decorator
@inline export const SEVERITY_MEDIUM: u32 = 2;
// @ts-ignore: decorator
@inline export const SEVERITY_LOW: u32 = 3;
// @ts-ignore: decorator
@inline export const SEVERITY_INFO: u32 = 4;

// @ts-ignore: decorator
@inline export const EFFECT_REQUIRES: u32 = 0;
// @ts-ignore: decorator
@inline export const EFFECT_ALLOWS: u32 = 1;
// @ts-ignore: decorator
@inline export const EFFECT_DENIES: u32 = 2;

// @ts-ignore: decorator
@inline export const SET_STRINGS: u32 = 0;
// @ts-ignore: decorator
@inline export const SET_NUMBERS: u32 = 1;
// @ts-ignore: decorator
@inline export const SET_MEMBERS: u32 = 2;
// @ts-ignore: decorator
@inline export const SET_NETWORKS: u32 = 3;

// @ts-ignore: decorator
@inline export const SEGMENT_LITERAL: u32 = 0;
// @ts-ignore: decorator
@inline export const SEGMENT_CAPTURE: u32 = 1;
// @ts-ignore: decorator
@inline export const SEGMENT_ANY: u32 = 2;
// @ts-ignore: decorator
@inline export const SEGMENT_REST: u32 = 3;

// @ts-ignore: decorator
@inline export const OBLIGATION_SET_REQUEST_HEADER: u32 = 1;
// @ts-ignore: decorator
@inline export const OBLIGATION_APPEND_REQUEST_HEADER: u32 = 2;
// @ts-ignore: decorator
@inline export const OBLIGATION_REMOVE_REQUEST_HEADER: u32 = 3;
// @ts-ignore: decorator
@inline export const OBLIGATION_SET_ANSWER_HEADER: u32 = 4;
// @ts-ignore: decorator
@inline export const OBLIGATION_LIMIT: u32 = 5;
// @ts-ignore: decorator
@inline export const OBLIGATION_LIMIT_KEY: u32 = 6;
// @ts-ignore: decorator
@inline export const OBLIGATION_SET_RESPONSE_HEADER: u32 = 7;
// @ts-ignore: decorator
@inline export const OBLIGATION_SET_QUERY_PARAMETER: u32 = 8;
// @ts-ignore: decorator
@inline export const OBLIGATION_REMOVE_QUERY_PARAMETER: u32 = 9;
// @ts-ignore: decorator
@inline export const OBLIGATION_SET_METADATA: u32 = 10;
// @ts-ignore: decorator
@inline export const OBLIGATION_TEXT_BODY: u32 = 11;
// @ts-ignore: decorator
@inline export const OBLIGATION_JSON_BODY: u32 = 12;
// @ts-ignore: decorator
@inline export const OBLIGATION_PART: u32 = 13;

// @ts-ignore: decorator
@inline export const NODE_LEAF: u32 = 0;
// @ts-ignore: decorator
@inline export const NODE_AND: u32 = 1;
// @ts-ignore: decorator
@inline export const NODE_OR: u32 = 2;
// @ts-ignore: decorator
@inline export const NODE_NOT: u32 = 3;

/** Texts that decide, and names, UTF-8, each once. Strings in other sections are indexes into it. */
// @ts-ignore: decorator
@inline export const SECTION_STRINGS: u32 = 1;
/** Number constants: finite, not -0, each once. */
// @ts-ignore: decorator
@inline export const SECTION_NUMBERS: u32 = 2;
/** Addresses (prefix length 128) and networks. IPv4 is stored v4-mapped (::ffff:0:0/96, prefix length + 96); bits behind the prefix are zero. */
// @ts-ignore: decorator
@inline export const SECTION_NETWORKS: u32 = 3;
/** Constant lists behind `in`; elements are string, number or network indexes, or enum members, each once and in an order that can be searched. Sets use the elements one after the other. */
// @ts-ignore: decorator
@inline export const SECTION_SETS: u32 = 4;
/** What `matches` and `like` ask of a text: a deterministic automaton over its bytes. State 0 says no and state 1 yes, whatever follows; the row of state s is s - 2. A row holds the next state for each class of bytes, and last the answer, 0 or 1, to a text that ends there. */
// @ts-ignore: decorator
@inline export const SECTION_AUTOMATA: u32 = 5;
/** Declared enums. Entry 0 is `resource.type`: its members are the names of the resources, and its value is -1 when nothing matches. */
// @ts-ignore: decorator
@inline export const SECTION_ENUMS: u32 = 6;
/** Shapes of values. argument = enum index (enum), element shape (list), first field (record), else 0. A shape only refers to shapes before it. Records use the fields one after the other. A value takes one cell, a record one more for every cell of each field, in order. */
// @ts-ignore: decorator
@inline export const SECTION_SHAPES: u32 = 7;
/** Facts about a request. Cells of the global frame are given out slot by slot. default = string, number, network index, enum member, or 0/1 (bool); 0 without the flag. */
// @ts-ignore: decorator
@inline export const SECTION_SLOTS: u32 = 8;
/** Path patterns, most specific first: the first that matches is the resource. A literal is a segment with this text, a capture and `any` are one segment, `rest` is any number of them, also none. One entry for each member of enum 0. */
// @ts-ignore: decorator
@inline export const SECTION_RESOURCES: u32 = 9;
/** Routines one after the other; see Instructions. */
// @ts-ignore: decorator
@inline export const SECTION_CODE: u32 = 10;
/** What an allow does to headers of the request and of the response, query parameters and metadata, and the headers that a denial answers; policies use them one after the other. A part adds to the text of the obligation in front of its parts: the value of a cell, then a string. The text of a body is the policy's deny body, then its parts. A limit is a bucket of tokens, and an allow takes one: interval = number, microseconds until a token comes back; burst = number, tokens in a full bucket. The keys behind it are cells of the global frame: a bucket for each combination of their values. */
// @ts-ignore: decorator
@inline export const SECTION_OBLIGATIONS: u32 = 11;
/** Policies and guards by severity, then name (bytes ascending, names unique). expiry = number: milliseconds since 1970. A policy of a set applies only where the selector holds the name of the set; where it holds none of the names the decision is `no-policy-set`. The constants are the policy's row in the section rows. */
// @ts-ignore: decorator
@inline export const SECTION_POLICIES: u32 = 12;
/** Metadata as written; policies use the entries one after the other. */
// @ts-ignore: decorator
@inline export const SECTION_METADATA: u32 = 13;
/** The source trees of the conditions. A leaf's routine tests it alone; children follow their parent; reads name the slots that a leaf or a `not` reads. */
// @ts-ignore: decorator
@inline export const SECTION_EXPLAIN: u32 = 14;
/** Business hours. days: bit 0 Monday ... bit 6 Sunday; from, to: minutes of the local day, to excluded. From each minute (since 1970-01-01T00:00Z) on the local time is so many minutes ahead of UTC; before the first and from `until` on nothing is known. Schedules use the offsets one after the other. */
// @ts-ignore: decorator
@inline export const SECTION_SCHEDULES: u32 = 15;
/** What is only shown: intents, metadata, sources of conditions; UTF-8. A text starts where the one before ends. A runtime may leave this section, metadata and explain where they are, and read of them what it shows. */
// @ts-ignore: decorator
@inline export const SECTION_TEXTS: u32 = 16;
/** Constants by policy, for instructions with a column: policies that differ in constants only share their code. Policies use them one after the other. */
// @ts-ignore: decorator
@inline export const SECTION_ROWS: u32 = 17;
/** What LOOKUP asks. key, value = string, number, network index, enum member, or 0/1 (bool), as their shapes say. Maps use the entries one after the other; keys ascend, so that they can be searched. */
// @ts-ignore: decorator
@inline export const SECTION_MAPS: u32 = 18;

/** The routine or body answers true. */
// @ts-ignore: decorator
@inline export const OP_ACCEPT: u32 = 1;
/** The routine or body answers false. */
// @ts-ignore: decorator
@inline export const OP_REJECT: u32 = 2;
/** True if b is 1, false if b is 0. */
// @ts-ignore: decorator
@inline export const OP_CONSTANT: u32 = 3;
/** True if a is present, false if absent, unknown if invalid. */
// @ts-ignore: decorator
@inline export const OP_EXISTS: u32 = 4;
/** The bool in a. */
// @ts-ignore: decorator
@inline export const OP_TRUTH: u32 = 5;
/** a equals string b. */
// @ts-ignore: decorator
@inline export const OP_EQ_STRING: u32 = 6;
/** a starts with string b. */
// @ts-ignore: decorator
@inline export const OP_STARTS_STRING: u32 = 7;
/** a ends with string b. */
// @ts-ignore: decorator
@inline export const OP_ENDS_STRING: u32 = 8;
/** a contains string b. */
// @ts-ignore: decorator
@inline export const OP_CONTAINS_STRING: u32 = 9;
/** a is a member of set b. */
// @ts-ignore: decorator
@inline export const OP_IN_STRINGS: u32 = 10;
/** a equals number b. */
// @ts-ignore: decorator
@inline export const OP_EQ_NUMBER: u32 = 11;
/** a is less than number b. */
// @ts-ignore: decorator
@inline export const OP_LT_NUMBER: u32 = 12;
/** a is at most number b. */
// @ts-ignore: decorator
@inline export const OP_LE_NUMBER: u32 = 13;
/** a is a member of set b. */
// @ts-ignore: decorator
@inline export const OP_IN_NUMBERS: u32 = 14;
/** a is enum member b (an immediate). */
// @ts-ignore: decorator
@inline export const OP_EQ_MEMBER: u32 = 15;
/** a comes before member b of its ordered enum. */
// @ts-ignore: decorator
@inline export const OP_LT_MEMBER: u32 = 16;
/** a is member b of its ordered enum or comes before it. */
// @ts-ignore: decorator
@inline export const OP_LE_MEMBER: u32 = 17;
/** a is in set b of members. */
// @ts-ignore: decorator
@inline export const OP_IN_MEMBERS: u32 = 18;
/** a (ip or cidr) equals network b: same bits, same prefix length (128 for an ip). */
// @ts-ignore: decorator
@inline export const OP_EQ_ADDRESS: u32 = 19;
/** ip a lies in network b; a v4 address only in a v4 network, a v6 address only in a v6 network. */
// @ts-ignore: decorator
@inline export const OP_IN_NETWORK: u32 = 20;
/** ip a lies in some network of set b. */
// @ts-ignore: decorator
@inline export const OP_IN_NETWORKS: u32 = 21;
/** a equals cell b, byte by byte. */
// @ts-ignore: decorator
@inline export const OP_EQ_STRINGS: u32 = 22;
/** a starts with cell b. */
// @ts-ignore: decorator
@inline export const OP_STARTS_STRINGS: u32 = 23;
/** a ends with cell b. */
// @ts-ignore: decorator
@inline export const OP_ENDS_STRINGS: u32 = 24;
/** a contains cell b. */
// @ts-ignore: decorator
@inline export const OP_CONTAINS_STRINGS: u32 = 25;
/** a equals cell b: int or float with int or float, bool, datetime or duration with its like, enum with the same enum. */
// @ts-ignore: decorator
@inline export const OP_EQ_NUMBERS: u32 = 26;
/** a is less than cell b: numbers, datetimes, durations, or the same ordered enum. */
// @ts-ignore: decorator
@inline export const OP_LT_NUMBERS: u32 = 27;
/** a is at most cell b. */
// @ts-ignore: decorator
@inline export const OP_LE_NUMBERS: u32 = 28;
/** a equals cell b: ip with ip, cidr with cidr. */
// @ts-ignore: decorator
@inline export const OP_EQ_ADDRESSES: u32 = 29;
/** ip a lies in the cidr of cell b. */
// @ts-ignore: decorator
@inline export const OP_IN_CIDR: u32 = 30;
/** a comes before string b, byte by byte; a beginning comes before what it begins. */
// @ts-ignore: decorator
@inline export const OP_LT_STRING: u32 = 31;
/** a equals string b or comes before it. */
// @ts-ignore: decorator
@inline export const OP_LE_STRING: u32 = 32;
/** a comes before cell b, byte by byte. */
// @ts-ignore: decorator
@inline export const OP_LT_STRINGS: u32 = 33;
/** a equals cell b or comes before it. */
// @ts-ignore: decorator
@inline export const OP_LE_STRINGS: u32 = 34;
/** Automaton b says yes to the bytes of a. */
// @ts-ignore: decorator
@inline export const OP_MATCHES: u32 = 35;
/** a lies in the hours of schedule b; unknown outside of the time that the schedule knows. */
// @ts-ignore: decorator
@inline export const OP_IN_HOURS: u32 = 36;
/** Kleene or over the elements of list a: equals string b. */
// @ts-ignore: decorator
@inline export const OP_HAS_STRING: u32 = 37;
/** Kleene or over the elements of list a: equals number b. */
// @ts-ignore: decorator
@inline export const OP_HAS_NUMBER: u32 = 38;
/** Kleene or over the elements of list a (enum, or bool with 0 or 1): is member b. */
// @ts-ignore: decorator
@inline export const OP_HAS_MEMBER: u32 = 39;
/** Kleene or over the elements of list a (ip or cidr): equals network b. */
// @ts-ignore: decorator
@inline export const OP_HAS_ADDRESS: u32 = 40;
/** Kleene or over the elements of list b: equals a. Unknown if a or the list is unknown, also for an empty list. */
// @ts-ignore: decorator
@inline export const OP_IN_LIST: u32 = 41;
/** Kleene or over the elements of list b of cidr: holds ip a. Unknown if a or the list is unknown, also for an empty list. */
// @ts-ignore: decorator
@inline export const OP_IN_CIDRS: u32 = 42;
/** The next b instructions are the body. Kleene or of the body over the elements of list a; unknown if the list is. */
// @ts-ignore: decorator
@inline export const OP_ANY: u32 = 43;
/** Kleene and of the body over the elements of list a; unknown if the list is. */
// @ts-ignore: decorator
@inline export const OP_ALL: u32 = 44;
/** Puts the sure and the possible number of elements of list a for which the body is true into the register; without a body (b = 0) present elements are sure, others possible. Unknown if the list is. */
// @ts-ignore: decorator
@inline export const OP_COUNT: u32 = 45;
/** Register 0 equals number b, for every number between sure and possible. */
// @ts-ignore: decorator
@inline export const OP_EQ_COUNT: u32 = 46;
/** Register 0 is less than number b, likewise. */
// @ts-ignore: decorator
@inline export const OP_LT_COUNT: u32 = 47;
/** Register 0 is at most number b, likewise. */
// @ts-ignore: decorator
@inline export const OP_LE_COUNT: u32 = 48;
/** Register 0 equals the number in cell b, likewise. */
// @ts-ignore: decorator
@inline export const OP_EQ_COUNT_CELL: u32 = 49;
/** Register 0 is less than the number in cell b, likewise. */
// @ts-ignore: decorator
@inline export const OP_LT_COUNT_CELL: u32 = 50;
/** Register 0 is at most the number in cell b, likewise. */
// @ts-ignore: decorator
@inline export const OP_LE_COUNT_CELL: u32 = 51;
/** Register 0 equals register 1; unknown unless one of them is exact. */
// @ts-ignore: decorator
@inline export const OP_EQ_COUNTS: u32 = 52;
/** Register 0 is less than register 1, likewise. */
// @ts-ignore: decorator
@inline export const OP_LT_COUNTS: u32 = 53;
/** Register 0 is at most register 1, likewise. */
// @ts-ignore: decorator
@inline export const OP_LE_COUNTS: u32 = 54;
/** Number b as a value of the type whose id is the field: int, float, datetime or duration. */
// @ts-ignore: decorator
@inline export const OP_LOAD_NUMBER: u32 = 55;
/** a + b. Types: int and float with each other (int if both are), datetime and duration to a datetime, two durations to a duration. */
// @ts-ignore: decorator
@inline export const OP_ADD: u32 = 56;
/** a - b. Types: likewise; two datetimes to a duration, a datetime and a duration to a datetime, two durations to a duration. */
// @ts-ignore: decorator
@inline export const OP_SUBTRACT: u32 = 57;
/** a times b. Types: int and float with each other, a duration and an int to a duration. */
// @ts-ignore: decorator
@inline export const OP_MULTIPLY: u32 = 58;
/** String a with ASCII letters in lower case. */
// @ts-ignore: decorator
@inline export const OP_LOWER: u32 = 59;
/** What map b gives key a, of the map's type of values. Absent where a is no key of the map. */
// @ts-ignore: decorator
@inline export const OP_LOOKUP: u32 = 60;
/** As COUNT, the number itself: an int where the sure and the possible number coincide, else invalid. */
// @ts-ignore: decorator
@inline export const OP_TALLY: u32 = 61;
/** Sum, from the first element on, of field `field` of the elements of list a for which the body is true (all, without a body): int, float or duration. 0 for none. */
// @ts-ignore: decorator
@inline export const OP_SUM: u32 = 62;
/** The least of them: int, float, datetime, duration or a member of an ordered enum. Invalid for none. */
// @ts-ignore: decorator
@inline export const OP_MIN: u32 = 63;
/** The greatest of them, likewise. */
// @ts-ignore: decorator
@inline export const OP_MAX: u32 = 64;

/** `IPES` as a little-endian u32. */
// @ts-ignore: decorator
@inline export const STATEMENT_MAGIC_WORD: u32 = 1397051465;
// @ts-ignore: decorator
@inline export const STATEMENT_FORMAT: u32 = 1;
/** Bytes before the name. */
// @ts-ignore: decorator
@inline export const STATEMENT_HEAD_BYTES: u32 = 98;
/** Of a name, and of an audience. */
// @ts-ignore: decorator
@inline export const STATEMENT_TEXT_BYTES_MAX: u32 = 128;
// @ts-ignore: decorator
@inline export const STATEMENT_SIGNATURE_BYTES_MIN: u32 = 8;
// @ts-ignore: decorator
@inline export const STATEMENT_SIGNATURE_BYTES_MAX: u32 = 72;
/** `IPES`. */
// @ts-ignore: decorator
@inline export const STATEMENT_MAGIC: u32 = 0;
/** Layout of the bytes. A runtime refuses every version but its own. */
// @ts-ignore: decorator
@inline export const STATEMENT_VERSION: u32 = 4;
/** Bit 0: break-glass, an override for a short time. The others are zero. */
// @ts-ignore: decorator
@inline export const STATEMENT_FLAGS: u32 = 6;
/** Digest of the bundle. */
// @ts-ignore: decorator
@inline export const STATEMENT_DIGEST: u32 = 8;
/** Orders statements about bundles of one name: from 1 to 2^53-1. */
// @ts-ignore: decorator
@inline export const STATEMENT_SEQUENCE: u32 = 40;
/** Seconds since 1970 from which it is valid; 0: from ever. */
// @ts-ignore: decorator
@inline export const STATEMENT_VALID_FROM: u32 = 48;
/** Seconds since 1970 until which it is valid, that second not included; behind `validFrom`, at most 2^53-1. */
// @ts-ignore: decorator
@inline export const STATEMENT_VALID_UNTIL: u32 = 56;
/** SHA-256 of the signer's key as SubjectPublicKeyInfo (DER, uncompressed point, 91 bytes). */
// @ts-ignore: decorator
@inline export const STATEMENT_KEY_ID: u32 = 64;
/** Length of the bundle's name, 1 to 128. */
// @ts-ignore: decorator
@inline export const STATEMENT_NAME_BYTES: u32 = 96;
/** Length of the audience, 1 to 128. */
// @ts-ignore: decorator
@inline export const STATEMENT_AUDIENCE_BYTES: u32 = 97;
/** An override for a short time. */
// @ts-ignore: decorator
@inline export const STATEMENT_FLAG_BREAK_GLASS: u32 = 1;
/** Statuses that a denial may have: those of 400-599 that Envoy's `envoy.type.v3.StatusCode` names. */
export const DENY_STATUSES: StaticArray<u32> = [400,401,402,403,404,405,406,407,408,409,410,411,412,413,414,415,416,417,421,422,423,424,426,428,429,431,500,501,502,503,504,505,506,507,508,510,511];
/** Statuses of a denial that sends the client elsewhere. */
export const REDIRECT_STATUSES: StaticArray<u32> = [301,302,303,307,308];
/** Host, framing and hop-by-hop request headers: no policy may set them. */
export const UNSETTABLE_HEADERS: StaticArray<string> = ["host","content-length","transfer-encoding","connection","te","upgrade","keep-alive","proxy-connection","proxy-authenticate","proxy-authorization","trailer","expect"];
/** Headers of which a proxy may hand on several lines as one, joined by commas (Envoy does, in any configuration): see docs/request.md, section 4. */
export const JOINABLE_HEADERS: StaticArray<string> = ["accept","accept-encoding","access-control-request-headers","access-control-request-method","access-control-request-private-network","authentication","authorization","cache-control","content-encoding","content-type","expect","grpc-accept-encoding","grpc-timeout","if-match","if-modified-since","if-none-match","if-range","if-unmodified-since","origin","pragma","referer","user-agent","via","x-client-trace-id","x-envoy-external-address","x-forwarded-client-cert","x-forwarded-for","x-forwarded-host","x-forwarded-port","x-forwarded-proto","x-request-id"];

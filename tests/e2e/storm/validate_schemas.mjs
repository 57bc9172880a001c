// Holds JSON Schemas to ajv in strict mode, with nothing but ajv-formats added.
// Standard input: {schemas: [FILE...], cases: [{schema: FILE, pointer: "/$defs/X", value}...]}.
// Standard output: {errors: {FILE: why}, verdicts: [true, false...]}. It runs beside node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { Ajv2020 } = require("ajv/dist/2020");
const addFormats = require("ajv-formats");

const { schemas, cases } = JSON.parse(readFileSync(0, "utf8"));
const errors = {};
const checkers = new Map();
for (const file of schemas) {
  const ajv = addFormats.default ? addFormats.default(new Ajv2020({ strict: true })) : addFormats(new Ajv2020({ strict: true }));
  try {
    const schema = JSON.parse(readFileSync(file, "utf8"));
    ajv.addSchema(schema, "root");
    ajv.compile({ $ref: "root" });
    for (const key of Object.keys(schema.$defs ?? {})) ajv.compile({ $ref: `root#/$defs/${key}` });
    checkers.set(file, ajv);
  } catch (error) {
    errors[file] = String(error.message);
  }
}
const verdicts = cases.map(({ schema, pointer, value }) => checkers.get(schema)?.compile({ $ref: `root#${pointer}` })(value) ?? null);
console.log(JSON.stringify({ errors, verdicts }));

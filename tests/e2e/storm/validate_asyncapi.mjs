// Holds AsyncAPI documents to @asyncapi/parser: node validate_asyncapi.mjs FILE...
// Prints one JSON object: {FILE: {diagnostics: [what is an error], messages, operations}}. It runs beside node_modules.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { Parser, DiagnosticSeverity } = require("@asyncapi/parser");

const report = {};
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  report[file] = {
    diagnostics: diagnostics
      .filter((each) => each.severity === DiagnosticSeverity.Error)
      .map((each) => `${each.path.join("/")}: ${each.code}: ${each.message}`),
    warnings: diagnostics
      .filter((each) => each.severity === DiagnosticSeverity.Warning)
      .map((each) => `${each.path.join("/")}: ${each.code}: ${each.message}`),
    messages: document?.allMessages().length ?? 0,
    operations: document?.operations().length ?? 0,
  };
}
console.log(JSON.stringify(report));

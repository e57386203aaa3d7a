/** The house's own lint rules, by code that follows them and code that does not. */
import { describe, it } from "node:test";
import { RuleTester } from "eslint";
import house from "./house-rules.mjs";

RuleTester.describe = describe;
RuleTester.it = it;
const tester = new RuleTester();

tester.run("purpose-line", house.rules["purpose-line"], {
  valid: [
    "/** What it is for. */\nconst a = 1;",
    "// What it is for.\nconst a = 1;",
    "#!/usr/bin/env node\n// For.\nconst a = 1;",
  ],
  invalid: [
    { code: "const a = 1;", errors: [{ messageId: "missing" }] },
    { code: "const a = 1; // Too late.", errors: [{ messageId: "missing" }] },
    { code: "/* eslint-disable no-var */\nconst a = 1;", errors: [{ messageId: "missing" }] },
  ],
});

tester.run("no-resource-in-apply", house.rules["no-resource-in-apply"], {
  valid: [
    "name.apply((text) => text.toUpperCase()); new gcp.storage.Bucket('a', {});",
    "name.apply((text) => { throw new Error(text); });",
    "new Bucket('a', { name: name.apply((text) => new URL(text).host) });",
  ],
  invalid: [
    {
      code: "name.apply((text) => new gcp.storage.Bucket(text, {}));",
      errors: [{ messageId: "inside", data: { name: "gcp.storage.Bucket" } }],
    },
    { code: "pulumi.all([a]).apply(function ([x]) { if (x) { new Topic(x); } });", errors: [{ messageId: "inside" }] },
  ],
});

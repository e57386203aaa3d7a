/** What a policy is configured with where nobody configures it, beside pkg/resource/analyzer/config.go of the engine. */
import { expect, test } from "@jest/globals";
import * as analyzer from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { policyConfig } from "./policy-config";
import type { Properties } from "./values";

const { ADVISORY, MANDATORY, DISABLED, REMEDIATE } = analyzer.EnforcementLevel;
const struct = (properties: Properties) => Struct.fromJavaScript(properties);

interface Pack {
  level?: number;
  schema?: Properties;
  required?: string[];
  /** Configuration that the pack itself begins with. */
  initial?: Record<string, { level: number; properties?: Properties }>;
}
function configured({ level = ADVISORY, schema, required = [], initial = {} }: Pack) {
  const policy = new analyzer.PolicyInfo().setName("one").setEnforcementlevel(level);
  if (schema)
    policy.setConfigschema(new analyzer.PolicyConfigSchema().setProperties(struct(schema)).setRequiredList(required));
  const info = new analyzer.AnalyzerInfo().setName("trial").setPoliciesList([policy]);
  for (const [name, config] of Object.entries(initial)) {
    const message = new analyzer.PolicyConfig().setEnforcementlevel(config.level);
    info.getInitialconfigMap().set(name, message.setProperties(struct(config.properties ?? {})));
  }
  const found = policyConfig(info).getPolicyconfigMap().get("one")!;
  return [found.getEnforcementlevel(), found.getProperties()?.toJavaScript()];
}
const word = { word: { type: "string", default: "forbidden" } };

test.each<[rule: string, pack: Pack, expected: unknown[]]>([
  ["its own level", { level: MANDATORY }, [MANDATORY, {}]],
  ["the level of all", { initial: { all: { level: MANDATORY } } }, [MANDATORY, {}]],
  [
    "its own rather than that of all",
    { initial: { all: { level: MANDATORY }, one: { level: DISABLED } } },
    [DISABLED, {}],
  ],
  ["its schema's defaults", { schema: word }, [ADVISORY, { word: "forbidden" }]],
  [
    "the pack's rather than its schema's",
    { schema: word, initial: { one: { level: ADVISORY, properties: { word: "secretive" } } } },
    [ADVISORY, { word: "secretive" }],
  ],
])("a policy has %s", (_, pack, expected) => {
  expect(configured(pack)).toEqual(expected);
});

test.each<[what: string, pack: Pack, message: string]>([
  ["would change resources", { level: REMEDIATE }, "one: enforcementLevel: remediate cannot be used here"],
  ["lacks what it requires", { schema: { word: { type: "string" } }, required: ["word"] }, "required property 'word'"],
  [
    "is given another type",
    { schema: word, initial: { one: { level: ADVISORY, properties: { word: 1 } } } },
    "configuration/word: must be string",
  ],
])("a policy that %s is refused", (_, pack, message) => {
  expect(() => configured(pack)).toThrow(message);
});

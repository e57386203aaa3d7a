/**
 * What each policy of a pack is configured with where nobody configures it: the pack's own initial configuration, then
 * the defaults of its schema. Source: ReconcilePolicyPackConfig in pkg/resource/analyzer/config.go.
 */
import * as analyzer from "@pulumi/pulumi/proto/analyzer_pb";
import Ajv from "ajv";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { allProblems } from "./errors";
import { isObject, type Properties, type Value } from "./values";

export function policyConfig(info: analyzer.AnalyzerInfo): analyzer.ConfigureAnalyzerRequest {
  const request = new analyzer.ConfigureAnalyzerRequest();
  const initial = info.getInitialconfigMap();
  const all = initial.get("all");
  const problems: string[] = [];
  for (const policy of info.getPoliciesList()) {
    const name = policy.getName();
    const own = initial.get(name);
    const level = (own ?? all)?.getEnforcementlevel() ?? policy.getEnforcementlevel();
    if (level === analyzer.EnforcementLevel.REMEDIATE)
      problems.push(`${name}: enforcementLevel: remediate cannot be used here; can be: advisory, mandatory, disabled`);
    const schema = policy.getConfigschema();
    const properties = { ...defaults(schema?.getProperties()), ...own?.getProperties()?.toJavaScript() };
    if (schema) problems.push(...violations(schema, properties).map((problem) => `${name}: ${problem}`));
    const config = new analyzer.PolicyConfig().setEnforcementlevel(level);
    request.getPolicyconfigMap().set(name, config.setProperties(Struct.fromJavaScript(properties)));
  }
  if (problems.length > 0) throw allProblems(`Policy pack ${info.getName()}`, problems);
  return request;
}

function violations(schema: analyzer.PolicyConfigSchema, config: Properties): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const properties = schema.getProperties()?.toJavaScript() ?? {};
  if (ajv.validate({ type: "object", properties, required: schema.getRequiredList() }, config)) return [];
  return (ajv.errors ?? []).map(({ instancePath, message }) => `configuration${instancePath}: ${message ?? ""}`);
}

function defaults(schema: Struct | undefined): Properties {
  const entries = Object.entries<Value>(schema?.toJavaScript() ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, property]) =>
      isObject(property) && property.default !== undefined ? [[key, property.default]] : [],
    ),
  );
}

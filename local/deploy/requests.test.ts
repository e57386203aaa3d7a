/**
 * Every field of every request that a program can send, and every method that it can call: read, refused by name, or
 * without meaning here for the reason given. A field that a newer SDK adds makes this test fail until it has its row.
 */
import { describe, expect, test } from "@jest/globals";
import { Alias } from "@pulumi/pulumi/proto/alias_pb";
import { Callback } from "@pulumi/pulumi/proto/callback_pb";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as resource from "@pulumi/pulumi/proto/resource_pb";
import { Struct, Value } from "google-protobuf/google/protobuf/struct_pb";
import { FEATURES } from "./monitor";
import { readGoal, readInvocation } from "./requests";

type Row<R> = [field: string, set: (request: R) => unknown, result: unknown];
const refused = (name: string) => `${name}: cannot be used here`;
const nothing = () => undefined;
const none = (why: string) => ({ why });

const struct = Struct.fromJavaScript({ a: 1 });
const hooks = new resource.RegisterResourceRequest.ResourceHooksBinding();
const timeouts = new resource.RegisterResourceRequest.CustomTimeouts().setCreate("1h30m");
const urns = new resource.RegisterResourceRequest.PropertyDependencies().setUrnsList(["b", "a"]);
const spec = new Alias.Spec().setName("n").setType("t").setStack("s").setProject("p").setParenturn("u");

const REGISTER: Row<resource.RegisterResourceRequest>[] = [
  ["Type", (r) => r.setType("a:b:C"), { type: "a:b:C" }],
  ["Name", (r) => r.setName("n"), { name: "n" }],
  ["Parent", (r) => r.setParent("u"), { parent: "u" }],
  ["Custom", (r) => r.setCustom(true), { custom: true }],
  ["Object", (r) => r.setObject(struct), { properties: { a: 1 } }],
  ["Protect", (r) => r.setProtect(false), { protect: false }],
  ["DependenciesList", (r) => r.setDependenciesList(["u", "t"]), { dependencies: ["t", "u"] }],
  ["Provider", (r) => r.setProvider("u::i"), { provider: "u::i" }],
  [
    "PropertydependenciesMap",
    (r) => r.getPropertydependenciesMap().set("a", urns),
    { propertyDependencies: { a: ["a", "b"] } },
  ],
  ["Deletebeforereplace", (r) => r.setDeletebeforereplace(true), { deleteBeforeReplace: undefined }],
  ["Deletebeforereplacedefined", (r) => r.setDeletebeforereplacedefined(true), { deleteBeforeReplace: false }],
  ["Version", (r) => r.setVersion("1.0.0"), { version: "1.0.0" }],
  ["IgnorechangesList", (r) => r.setIgnorechangesList(["a"]), { ignoreChanges: ["a"] }],
  ["Acceptsecrets", (r) => r.setAcceptsecrets(false), refused("answers without secrets")],
  ["AdditionalsecretoutputsList", (r) => r.setAdditionalsecretoutputsList(["a"]), { additionalSecretOutputs: ["a"] }],
  ["AliasurnsList", (r) => r.setAliasurnsList(["u"]), { aliases: [{ urn: "u" }] }],
  ["Importid", (r) => r.setImportid("x"), refused("import")],
  ["Customtimeouts", (r) => r.setCustomtimeouts(timeouts), { customTimeouts: { create: 5400 } }],
  [
    "Supportspartialvalues",
    (r) => r.setCustom(true).setSupportspartialvalues(false),
    refused("answers without partial values"),
  ],
  ["Remote", (r) => r.setRemote(true), refused("remote components")],
  ["Acceptresources", (r) => r.setAcceptresources(false), "PULUMI_DISABLE_RESOURCE_REFERENCES"],
  ["ProvidersMap", (r) => r.getProvidersMap().set("a", "u::i"), { providers: { a: "u::i" } }],
  ["ReplaceonchangesList", (r) => r.setReplaceonchangesList(["a"]), { replaceOnChanges: ["a"] }],
  ["Plugindownloadurl", (r) => r.setPlugindownloadurl("x"), refused("pluginDownloadURL")],
  ["PluginchecksumsMap", (r) => r.getPluginchecksumsMap().set("a", "b"), refused("plugin checksums")],
  ["Retainondelete", (r) => r.setRetainondelete(true), { retainOnDelete: true }],
  [
    "AliasesList",
    (r) => r.setAliasesList([new Alias().setSpec(spec), new Alias().setUrn("u")]),
    { aliases: [{ name: "n", type: "t", stack: "s", project: "p", parent: "u", noParent: false }, { urn: "u" }] },
  ],
  ["Deletedwith", (r) => r.setDeletedwith("u"), { deletedWith: "u" }],
  ["ReplaceWithList", (r) => r.setReplaceWithList(["u"]), refused("replaceWith")],
  ["ReplacementTrigger", (r) => r.setReplacementTrigger(Value.fromJavaScript("x")), refused("replacementTrigger")],
  [
    "Aliasspecs",
    (r) => r.setAliasspecs(false).setAliasesList([new Alias().setUrn("u")]),
    refused("aliases without their specification"),
  ],
  ["Sourceposition", nothing, none("nobody here looks for it in the state")],
  ["Stacktrace", nothing, none("nobody here looks for it in the state")],
  ["Parentstacktracehandle", (r) => r.setParentstacktracehandle("x"), refused("handles of parents' stack traces")],
  ["TransformsList", (r) => r.setTransformsList([new Callback()]), refused("transforms")],
  ["Supportsresultreporting", nothing, none("what fails ends the run, so that every answer is a success")],
  ["Packageref", (r) => r.setPackageref("x"), refused("parameterized packages")],
  ["Hooks", (r) => r.setHooks(hooks.clone().setOnErrorList(["h"])), refused("resource hooks")],
  ["HidediffsList", (r) => r.setHidediffsList(["a"]), refused("hideDiffs")],
  ["EnvvarmappingsMap", (r) => r.getEnvvarmappingsMap().set("A", "B"), refused("envVarMappings")],
];

const INVOKE: Row<resource.ResourceInvokeRequest>[] = [
  ["Tok", (r) => r.setTok("a:b:c"), { token: "a:b:c" }],
  ["Args", (r) => r.setArgs(struct), { args: { a: 1 } }],
  ["Provider", (r) => r.setProvider("u::i"), { provider: "u::i" }],
  ["Version", (r) => r.setVersion("1.0.0"), { version: "1.0.0" }],
  ["Acceptresources", (r) => r.setAcceptresources(false), "PULUMI_DISABLE_RESOURCE_REFERENCES"],
  ["Plugindownloadurl", (r) => r.setPlugindownloadurl("x"), refused("pluginDownloadURL")],
  ["PluginchecksumsMap", (r) => r.getPluginchecksumsMap().set("a", "b"), refused("plugin checksums")],
  ["Sourceposition", nothing, none("an invocation leaves no state")],
  ["Stacktrace", nothing, none("an invocation leaves no state")],
  ["Parentstacktracehandle", (r) => r.setParentstacktracehandle("x"), refused("handles of parents' stack traces")],
  ["Packageref", (r) => r.setPackageref("x"), refused("parameterized packages")],
];

/** Fields of a generated message, by its getters. */
const fieldsOf = (message: { prototype: object }) =>
  Object.getOwnPropertyNames(message.prototype)
    .filter((name) => name.startsWith("get"))
    .map((name) => name.slice(3))
    // Bytes in other encodings have further getters.
    .filter((name) => !/_as(U8|B64)$/.test(name))
    .sort();

function check<R>(make: () => R, read: (request: R) => unknown, [, set, result]: Row<R>): void {
  const request = make();
  set(request);
  if (typeof result === "string") expect(() => read(request)).toThrow(result);
  else if (!("why" in (result as object))) expect(read(request)).toMatchObject(result as object);
}

describe("a registration", () => {
  /** As the Node runtime sends it. */
  const make = () => {
    const request = new resource.RegisterResourceRequest().setAcceptsecrets(true).setAcceptresources(true);
    return request.setSupportspartialvalues(true).setAliasspecs(true);
  };
  test("has no field without a row", () =>
    expect(REGISTER.map(([field]) => field).sort()).toEqual(fieldsOf(resource.RegisterResourceRequest)));
  test.each(REGISTER)("%s", (...row) => check(make, readGoal, row));
  test("refuses each kind of hook, and names all problems at once", () => {
    for (const field of fieldsOf(resource.RegisterResourceRequest.ResourceHooksBinding)) {
      const used = hooks.clone();
      (used as unknown as Record<string, (names: string[]) => void>)[`set${field}`]!(["h"]);
      expect(() => readGoal(make().setHooks(used).setImportid("x"))).toThrow(/import: [^]*resource hooks: /);
    }
  });
});

describe("an invocation", () => {
  const make = () => new resource.ResourceInvokeRequest().setAcceptresources(true);
  test("has no field without a row", () =>
    expect(INVOKE.map(([field]) => field).sort()).toEqual(fieldsOf(resource.ResourceInvokeRequest)));
  test.each(INVOKE)("%s", (...row) => check(make, readInvocation, row));
});

test("the features that are claimed are those that are there; the runtime refuses the others by name", () => {
  expect([...FEATURES].sort()).toEqual(["aliasSpecs", "deletedWith", "resourceReferences", "secrets"]);
});

test("the monitor has no method that is not known here", () => {
  expect(Object.keys(ResourceMonitorService).sort()).toEqual([
    "call",
    "getDeploymentInfo",
    "invoke",
    "readResource",
    "registerErrorHook",
    "registerPackage",
    "registerResource",
    "registerResourceHook",
    "registerResourceOutputs",
    "registerStackInvokeTransform",
    "registerStackTransform",
    "signalAndWaitForShutdown",
    "supportsFeature",
  ]);
});

/** One small program per behaviour of the engine, before and after a change. */
import * as pulumi from "@pulumi/pulumi";
import { File, Files, Folder } from "./file";

type Program = () => Record<string, unknown> | void;

export const CASES: Record<string, { before: Program; after: Program }> = {
  same: {
    before: () => void new File("same", { name: "same", content: "a", tags: { a: "b" } }),
    after: () => void new File("same", { name: "same", content: "a", tags: { a: "b" } }),
  },
  createAndDelete: {
    before: () => {
      const old = new File("goes", { name: "goes" });
      new File("goes-first", { name: old.path });
    },
    after: () => void new File("comes", { name: "comes" }),
  },
  update: {
    before: () => void new File("update", { name: "update", content: "a" }),
    after: () => void new File("update", { name: "update", content: "b" }),
  },
  createBeforeDelete: {
    before: () => void new File("moves", { name: "moves-1" }),
    after: () => void new File("moves", { name: "moves-2" }),
  },
  deleteBeforeReplace: {
    before: () => replaced("a"),
    after: () => replaced("b"),
  },
  forcedDeleteBeforeReplace: {
    before: () => void new File("forced", { name: "forced-1" }, { deleteBeforeReplace: true }),
    after: () => void new File("forced", { name: "forced-2" }, { deleteBeforeReplace: true }),
  },
  renamedComponent: {
    before: () => void new Folder("old-folder", ["x", "y"]),
    after: () => void new Folder("new-folder", ["x", "y"], { aliases: [{ name: "old-folder" }] }),
  },
  aliasByUrn: {
    before: () => void new File("was", { name: "alias-urn" }),
    after: () =>
      void new File("is", { name: "alias-urn" }, { aliases: [`urn:pulumi:test::steps::files:index:File::was`] }),
  },
  reparented: {
    before: () => void new File("child", { name: "child" }),
    after: () => {
      const parent = new Folder("parent", []);
      new File("child", { name: "child" }, { parent, aliases: [{ parent: pulumi.rootStackResource }] });
    },
  },
  ignoreChanges: {
    before: () =>
      void new File(
        "ignores",
        { name: "ignores", content: "a", tags: { kept: "1", other: "1" } },
        { ignoreChanges: ["content", "tags.kept"] },
      ),
    after: () =>
      void new File(
        "ignores",
        { name: "ignores", content: "b", tags: { kept: "2", other: "1" } },
        { ignoreChanges: ["content", "tags.kept"] },
      ),
  },
  replaceOnChanges: {
    before: () =>
      void new File(
        "anew",
        { name: "anew", content: "a" },
        { replaceOnChanges: ["content"], deleteBeforeReplace: true },
      ),
    after: () =>
      void new File(
        "anew",
        { name: "anew", content: "b" },
        { replaceOnChanges: ["content"], deleteBeforeReplace: true },
      ),
  },
  retainOnDelete: {
    before: () => void new File("retained", { name: "retained" }, { retainOnDelete: true }),
    after: () => undefined,
  },
  retainedReplacement: {
    before: () => void new File("keeps", { name: "keeps-1" }, { retainOnDelete: true, deleteBeforeReplace: true }),
    after: () => void new File("keeps", { name: "keeps-2" }, { retainOnDelete: true, deleteBeforeReplace: true }),
  },
  deletedWith: {
    before: () => {
      const whole = new File("whole", { name: "whole" });
      new File("part", { name: "part" }, { deletedWith: whole });
    },
    after: () => undefined,
  },
  protectOff: {
    before: () => void new File("guarded", { name: "guarded" }, { protect: true }),
    after: () => void new File("guarded", { name: "guarded" }, { protect: false }),
  },
  secrets: {
    before: () => {
      const file = new File("hides", { name: "hides", content: pulumi.secret("opensesame"), secretNote: "opensesame" });
      return { word: file.content };
    },
    after: () => {
      const file = new File("hides", {
        name: "hides",
        content: pulumi.secret("opensesame2"),
        secretNote: "opensesame",
      });
      return { word: file.content };
    },
  },
  declaredSecrets: {
    before: () => void new File("declares", { name: "declares" }, { additionalSecretOutputs: ["path"] }),
    after: () => void new File("declares", { name: "declares" }, { additionalSecretOutputs: ["path"] }),
  },
  assets: {
    before: () => {
      new File("asset", { name: "asset", data: new pulumi.asset.StringAsset("a") });
      new File("archive", {
        name: "archive",
        data: new pulumi.asset.AssetArchive({ "a.txt": new pulumi.asset.StringAsset("hello") }),
      });
    },
    after: () => {
      new File("asset", { name: "asset", data: new pulumi.asset.StringAsset("b") });
      new File("archive", {
        name: "archive",
        data: new pulumi.asset.AssetArchive({ "a.txt": new pulumi.asset.StringAsset("hello") }),
      });
    },
  },
  explicitProvider: {
    before: () => void throughProvider("1"),
    after: () => void throughProvider("2"),
  },
  customTimeouts: {
    before: () => void new File("patient", { name: "patient" }, { customTimeouts: { create: "1h30m" } }),
    after: () => void new File("patient", { name: "patient" }, { customTimeouts: { create: "2m" } }),
  },
  dependsOn: {
    before: () => {
      const first = new File("first", { name: "first" });
      new File("second", { name: "second" }, { dependsOn: first });
    },
    after: () => undefined,
  },
  everything: {
    before: () => {
      replacedWithFollower("a");
      const goes = new File("goes", { name: "goes" });
      const changes = new File("changes", { name: "changes", content: "a" }, { dependsOn: goes });
      new File("moves", { name: "moves-1" }, { dependsOn: changes });
    },
    after: () => {
      replacedWithFollower("b");
      new File("moves", { name: "moves-2" });
      new File("changes", { name: "changes", content: "b" });
      new File("comes", { name: "comes" });
    },
  },
  parents: {
    before: () => void new Folder("family", ["a"]),
    after: () => undefined,
  },
  componentOutputs: {
    before: () => void new Noted("noted", "a"),
    after: () => void new Noted("noted", "b"),
  },
  invokes: {
    before: () => invoking("a"),
    after: () => invoking("a"),
  },
  searched: {
    before: () => void new File("kept", { name: "kept", kind: "searched", content: "words" }),
    after: () => undefined,
  },
};

/** A root that is replaced, with one dependent that must follow, one that changes in place and one that only waits. */
function replaced(kind: string): void {
  const root = new File("root", { name: "root", kind });
  const follows = new File("follows", { name: pulumi.interpolate`follows${root.path}` });
  new File("follows-too", { name: pulumi.interpolate`too${follows.path}` });
  new File("adapts", { name: "adapts", content: root.path });
  new File("waits", { name: "waits" }, { dependsOn: root });
}

class Noted extends pulumi.ComponentResource {
  constructor(name: string, note: string) {
    super("steps:index:Noted", name, {});
    this.registerOutputs({ note });
  }
}

/** A resource whose content the provider is asked for. */
function invoking(name: string): void {
  const found = pulumi.output(pulumi.runtime.invoke("files:index:read", { name: "never there" }, { version: "1.0.0" }));
  new File("asks", { name: `asks-${name}`, content: found.apply(({ content }) => content as string) });
}

function replacedWithFollower(kind: string): void {
  const root = new File("root", { name: "root", kind });
  new File("follows", { name: pulumi.interpolate`follows${root.path}` });
}

function throughProvider(mark: string): void {
  const provider = new Files("own", { mark });
  new File("provided", { name: "provided" }, { provider });
}

/** Programs that must be refused before anything is done, and programs that fail on the way. */
import * as pulumi from "@pulumi/pulumi";
import { File } from "./file";

type Program = () => Record<string, unknown> | void;
class Anything extends pulumi.CustomResource {}
const first = () => new File("first", { name: "first" });

export const REFUSALS: Record<string, { before: Program; after: Program }> = {
  protected: {
    before: () => void new File("first", { name: "first" }, { protect: true }),
    after: () => void new File("other", { name: "other" }),
  },
  protectedReplacement: {
    before: () => void new File("first", { name: "first" }, { protect: true }),
    after: () => void new File("first", { name: "elsewhere" }, { protect: true }),
  },
  unknownType: {
    before: () => {
      first();
      new Anything("files:index:Link", "link", {});
    },
    after: () => undefined,
  },
  unknownPackage: { before: () => void new Anything("aws:s3/bucket:Bucket", "bucket", {}), after: () => undefined },
  unknownProperty: {
    before: () => void new File("first", { name: "first", color: "red" } as never),
    after: () => undefined,
  },
  duplicate: { before: () => void [first(), first()], after: () => undefined },
  import: { before: () => void new File("first", { name: "first" }, { import: "first" }), after: () => undefined },
  transforms: {
    before: () => void new File("first", { name: "first" }, { transforms: [() => undefined] }),
    after: () => undefined,
  },
  remote: {
    before: () => void new pulumi.ComponentResource("files:index:Remote", "remote", {}, {}, true),
    after: () => undefined,
  },
  failingCreate: {
    before: () => {
      const good = first();
      const bad = new File("bad", { name: "bad", fail: "create" }, { dependsOn: good });
      new File("never", { name: bad.path });
    },
    after: () => void [first(), new File("bad", { name: "bad" })],
  },
  throws: {
    before: () => void first(),
    after: () => {
      throw new Error("the program is broken");
    },
  },
  tells: {
    before: () => {
      console.log(`the word is ${new pulumi.Config().require("word")}`);
      void pulumi.log.warn("beware");
    },
    after: () => undefined,
  },
};

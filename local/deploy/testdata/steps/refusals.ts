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
  protectedDependent: {
    before: () => {
      const whole = new File("first", { name: "first" }, { deleteBeforeReplace: true });
      new File("part", { name: "part" }, { deletedWith: whole, protect: true });
    },
    after: () => {
      const whole = new File("first", { name: "second" }, { deleteBeforeReplace: true });
      whole.path.apply(() => new File("part", { name: "part" }, { deletedWith: whole, protect: true }));
    },
  },
  reads: {
    before: () => void new File("seen", { name: "seen" }, { id: "nowhere" } as pulumi.CustomResourceOptions),
    after: () => undefined,
  },
  unknownType: {
    before: () => {
      first();
      new Anything("files:index:Link", "link", {});
    },
    after: () => undefined,
  },
  unknownProperty: {
    before: () => void new File("first", { name: "first", color: "red" } as never),
    after: () => undefined,
  },
  duplicate: { before: () => void [first(), first()], after: () => undefined },
  aliasTwice: {
    before: () => void first(),
    after: () => void ["a", "b"].map((name) => new File(name, { name: "first" }, { aliases: [{ name: "first" }] })),
  },
  transforms: {
    before: () => void new File("first", { name: "first" }, { transforms: [() => undefined] }),
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
  failingAmongMany: {
    before: () => {
      const good = first();
      const bad = new File("bad", { name: "bad", fail: "create" }, { dependsOn: good });
      for (let i = 0; i < 5; i++) {
        new File(`waits-${i}`, { name: bad.path });
        good.path.apply(async () => {
          await pulumi.runtime.invoke("files:index:read", { name: "first" });
          new File(`late-${i}`, { name: `late-${i}`, fail: "create" }, { dependsOn: bad });
        });
      }
    },
    after: () => undefined,
  },
  failingInvoke: {
    before: () => {
      const read = (args: pulumi.Inputs) => pulumi.runtime.invoke("files:index:read", args, { version: "1.0.0" });
      const failed = read({}).catch(({ message }: Error) => message);
      const refused = read({ name: "x", color: "red" }).catch(({ message }: Error) => message);
      new File("first", { name: "first", content: pulumi.interpolate`${failed}` });
      return { failed, refused };
    },
    after: () => void pulumi.runtime.invoke("files:index:read", {}, { version: "1.0.0" }),
  },
  invokesUnknown: {
    before: () => {
      const link = pulumi.runtime.invoke("files:index:link", {}, { version: "1.0.0" });
      new File("first", { name: pulumi.output(link.catch(() => "caught")) as pulumi.Output<string> });
    },
    after: () => undefined,
  },
  logsError: {
    before: () => {
      const good = first();
      good.path.apply(() => pulumi.log.error("logged on the way"));
      new File("second", { name: "second" }, { dependsOn: good });
    },
    after: () => undefined,
  },
  throws: {
    before: () => void first(),
    after: () => {
      throw new Error("the program is broken");
    },
  },
  tells: {
    before: () => {
      const config = new pulumi.Config();
      console.log(`the word is ${config.require("word")}`);
      config.requireSecret("hush").apply((secret) => console.log(`the secret is ${secret}`));
      void pulumi.log.warn("beware");
    },
    after: () => undefined,
  },
};

/** Resources that were renamed, moved or given another type, before and after. */
import * as pulumi from "@pulumi/pulumi";
import { File, Files } from "./file";

type Program = () => Record<string, unknown> | void;

class Group extends pulumi.ComponentResource {
  constructor(type: string, name: string, opts?: pulumi.ComponentResourceOptions) {
    super(`steps:index:${type}`, name, {}, opts);
  }
}

const inside = (parent: pulumi.Resource, name: string, aliases: pulumi.Alias[] = []) =>
  new File(name, { name: `aliased-${name.split("-").at(-1)}` }, { parent, aliases });

export const ALIASES: Record<string, { before: Program; after: Program }> = {
  aliasByType: {
    before: () => void inside(new Group("Drawer", "desk"), "desk-pen"),
    after: () => void inside(new Group("Box", "desk", { aliases: [{ type: "steps:index:Drawer" }] }), "desk-pen"),
  },
  aliasOfOtherStack: {
    before: () => void new File("here", { name: "here" }),
    after: () => void new File("hither", { name: "hither" }, { aliases: [{ name: "here", stack: "elsewhere" }] }),
  },
  aliasOfOtherProject: {
    before: () => void new File("ours", { name: "ours" }),
    after: () => void new File("theirs", { name: "theirs" }, { aliases: [{ name: "ours", project: "elsewhere" }] }),
  },
  aliasWithoutParent: {
    before: () => void new File("loose", { name: "loose" }),
    after: () => {
      const parent = new Group("Box", "tin");
      new File("tidy", { name: "loose" }, { parent, aliases: [{ name: "loose", parent: undefined }] });
    },
  },
  aliasOfRootParent: {
    before: () => void inside(new Group("Box", "crate"), "crate-cup"),
    after: () => {
      const crate = new Group("Box", "crate");
      new File("crate-cup", { name: "aliased-cup" }, { aliases: [{ parent: crate }] });
    },
  },
  aliasByParentUrn: {
    before: () => void inside(new Group("Box", "attic"), "attic-lamp"),
    after: () => {
      const attic = new Group("Box", "attic");
      inside(new Group("Cellar", "cellar"), "attic-lamp", [{ parent: attic.urn }]);
    },
  },
  aliasOfRenamedParent: {
    before: () => void inside(new Group("Box", "shelf-old"), "shelf-book"),
    after: () => {
      const parent = new Group("Box", "shelf-new", { aliases: [{ name: "shelf-old" }] });
      new File("shelf-book", { name: "aliased-book" }, { aliases: [{ parent }] });
    },
  },
  aliasInRenamedParent: {
    before: () => void inside(new Group("Box", "case-old"), "case-old-lid"),
    after: () => {
      const parent = new Group("Box", "case-new", { aliases: [{ name: "case-old" }] });
      new File("case-new-top", { name: "aliased-lid" }, { parent, aliases: [{ name: "case-new-lid" }] });
    },
  },
  urnBeforeAlias: {
    before: () => void [new File("first-of-two", { name: "one" }), new File("second-of-two", { name: "two" })],
    after: () => void new File("second-of-two", { name: "two" }, { aliases: [{ name: "first-of-two" }] }),
  },
  aliasedProvider: {
    before: () => throughProvider("carrier-old", "carried"),
    after: () => throughProvider("carrier-new", "carried", [{ name: "carrier-old" }]),
  },
  otherProvider: {
    before: () => throughProvider("hauler-1", "hauled"),
    after: () => throughProvider("hauler-2", "hauled"),
  },
};

function throughProvider(name: string, file: string, aliases: pulumi.Alias[] = []): void {
  new File(file, { name: file }, { provider: new Files(name, { mark: "1" }, { aliases }) });
}

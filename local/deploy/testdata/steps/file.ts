/** The class that a package for `files:index:File` would bring. */
import * as pulumi from "@pulumi/pulumi";

export interface FileArgs {
  name: pulumi.Input<string>;
  content?: pulumi.Input<string>;
  kind?: pulumi.Input<string>;
  tags?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  data?: pulumi.Input<pulumi.asset.Asset | pulumi.asset.Archive>;
  secretNote?: pulumi.Input<string>;
  fail?: string;
}

export class File extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;
  declare readonly name: pulumi.Output<string>;
  declare readonly content: pulumi.Output<string>;

  constructor(name: string, args: FileArgs | undefined, opts?: pulumi.CustomResourceOptions) {
    super(
      "files:index:File",
      name,
      { path: undefined, size: undefined, content: undefined, ...args },
      { version: "1.0.0", ...opts },
    );
  }
}

export class Folder extends pulumi.ComponentResource {
  constructor(name: string, children: string[], opts?: pulumi.ComponentResourceOptions) {
    super("steps:index:Folder", name, {}, opts);
    for (const child of children) new File(`${name}-${child}`, { name: `folder-${child}` }, { parent: this });
    this.registerOutputs({ children });
  }
}

export class Files extends pulumi.ProviderResource {
  constructor(name: string, args: { mark: string }, opts?: pulumi.ResourceOptions) {
    super("files", name, args, { version: "1.0.0", ...opts } as pulumi.ResourceOptions);
  }
}

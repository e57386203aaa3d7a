/** Files of this repository as objects of one bucket; an object is replaced when its content changes. */
import * as storage from "@pulumi/gcp/storage";
import * as pulumi from "@pulumi/pulumi";

export type ObjectContent = { contentType: string } & (
  { source: pulumi.asset.Asset | pulumi.asset.Archive } | { content: pulumi.Input<string> }
);

export interface ObjectSetArgs {
  bucket: pulumi.Input<string>;
  /** Object name to content: a file or archive, or a text that is known later. */
  objects: Record<string, ObjectContent>;
}

export class ObjectSet extends pulumi.ComponentResource {
  /** `gs://` address by object name. */
  readonly uris: Record<string, pulumi.Output<string>> = {};
  /** Generation by object name: which writing of the object this is. */
  readonly generations: Record<string, pulumi.Output<string>> = {};

  constructor(name: string, args: ObjectSetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:lake:ObjectSet", name, {}, opts);
    for (const [objectName, content] of Object.entries(args.objects)) {
      const object = new storage.BucketObject(
        `${name}-${objectName}`,
        { bucket: args.bucket, name: objectName, ...content },
        { parent: this, deleteBeforeReplace: true },
      );
      this.uris[objectName] = pulumi.interpolate`gs://${object.bucket}/${object.name}`;
      this.generations[objectName] = object.generation.apply(String);
    }
    this.registerOutputs({ uris: this.uris });
  }
}

/** Files of this repository as objects of one bucket; an object is replaced when its content changes. */
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

export interface ObjectSetArgs {
  bucket: pulumi.Input<string>;
  /** Object name to content. */
  objects: Record<string, { source: pulumi.asset.Asset | pulumi.asset.Archive; contentType: string }>;
}

export class ObjectSet extends pulumi.ComponentResource {
  /** `gs://` address by object name. */
  readonly uris: Record<string, pulumi.Output<string>> = {};

  constructor(name: string, args: ObjectSetArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:lake:ObjectSet", name, {}, opts);
    for (const [objectName, { source, contentType }] of Object.entries(args.objects)) {
      const object = new gcp.storage.BucketObject(
        `${name}-${objectName}`,
        { bucket: args.bucket, name: objectName, source, contentType },
        { parent: this, deleteBeforeReplace: true },
      );
      this.uris[objectName] = pulumi.interpolate`gs://${object.bucket}/${object.name}`;
    }
    this.registerOutputs({ uris: this.uris });
  }
}

// Two buckets, the second after the first: a deployment that can be stopped between them.
const { storage } = require("@pulumi/gcp");
const { Config } = require("@pulumi/pulumi");

const location = new Config().get("location") ?? "US-CENTRAL1";
const first = new storage.Bucket("first", {
  name: "two-buckets-first",
  location: "US-CENTRAL1",
  forceDestroy: true,
  labels: { owner: "lab" },
});
new storage.Bucket("second", { name: "two-buckets-second", location, forceDestroy: true }, { dependsOn: [first] });

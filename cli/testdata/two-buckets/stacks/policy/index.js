// One rule over two buckets: the stack's own policy pack, which every preview and up runs.
const { PolicyPack } = require("@pulumi/policy");

new PolicyPack("two-buckets", {
  policies: [
    {
      name: "near",
      description: "Buckets lie where the lab is.",
      enforcementLevel: "mandatory",
      validateResource: ({ type, props }, report) => {
        if (type === "gcp:storage/bucket:Bucket" && props.location !== "US-CENTRAL1")
          report(`location: got ${props.location}; expected US-CENTRAL1`);
      },
    },
  ],
});

/** The policy pack: `pulumi preview --policy-pack stacks/policy`. Loading this file starts it; the rules are in pack.ts. */
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./pack";

new PolicyPack("sparklab", { policies, enforcementLevel: "mandatory" });

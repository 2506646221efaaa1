/** Where a CloudFormation resource is created. */
export interface ResourcePlace {
  accountId: string;
  region: string;
  /** The physical name CloudFormation would make up when the template names none, e.g. `stack-LogicalId-1ABC`. */
  generatedName: string;
}

/** What `Ref` and `Fn::GetAtt` give for a created resource. */
export interface CreatedResource {
  physicalId: string;
  attributes: Record<string, string>;
}

/** One CloudFormation resource type. `properties` are resolved: no intrinsic functions are left in them. */
export interface ResourceProvider {
  create(
    place: ResourcePlace,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /** An answer with another `physicalId` is a replacement: CloudFormation then deletes the old resource. */
  update(
    place: ResourcePlace,
    physicalId: string,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /** A resource that is already gone is success. */
  delete(place: ResourcePlace, physicalId: string): void | Promise<void>;
}

// What a usual provider is to the patient.

CodeSystem: PersonalizationProviderRoleCodes
Id: personalization-provider-role
Title: "Personalization provider role"
Description: "What a usual provider is: somebody or somewhere."
* insert WholeCodeSystem(personalization-provider-role)
* #clinician "Clinician" "The person whom the patient saw in most outpatient visits."
* #site "Site" "The place where most outpatient visits were."

ValueSet: PersonalizationProviderRoles
Id: personalization-provider-role
Title: "Personalization provider role"
Description: "Both roles."
* insert ForUse
* include codes from system $provider-role

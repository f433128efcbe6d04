// The category by which a search finds panels and nothing else.

CodeSystem: PersonalizationCategoryCodes
Id: personalization-category
Title: "Personalization category"
Description: "The category of Observations that are personalization profiles."
* insert WholeCodeSystem(personalization-category)
* #personalization "Personalization" "Derived from how a patient uses care, to fit care to the patient."

ValueSet: PersonalizationCategories
Id: personalization-category
Title: "Personalization category"
Description: "The one category."
* insert ForUse
* include codes from system $category

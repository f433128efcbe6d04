// Over which time a measure looks back from the moment of the profile: rolling and half-open, [asOf - window, asOf).

CodeSystem: PersonalizationWindowCodes
Id: personalization-window
Title: "Personalization windows"
Description: "The time over which a measure looks back: from the window's length before asOf, included, to asOf, excluded."
* insert WholeCodeSystem(personalization-window)
* #p7d "Last 7 days" "The 7 days that end at asOf."
* #p1m "Last month" "The month that ends at asOf; a month back from the 31st is the last day of a shorter month."
* #p1y "Last year" "The year that ends at asOf."
* #ever "Ever" "All of the record before asOf."

ValueSet: PersonalizationWindows
Id: personalization-window
Title: "Personalization windows"
Description: "All windows."
* insert ForUse
* include codes from system $window

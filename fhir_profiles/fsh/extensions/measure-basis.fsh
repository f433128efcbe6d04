// The ground under one measure of the panel: what it counts over, where it is defined, and how much it could see.
//
// - The window is a code, never dates: dates would move every night and rewrite every panel.
// - The definition is the measure's own entry in the code system, so a reader finds the formula from the number.
// - A ratio keeps the whole numbers that it was computed from, once, before rounding.
// - The coverage is the share (0 to 1) of the visits or claims that the measure could use.

Extension: MeasureBasis
Id: measure-basis
Title: "Basis of a measure"
Description: "The window, the definition and, where they apply, the numerator, the denominator and the coverage of one measure."
Context: Observation.component
* insert ForUse
* . ^short = "Window, definition, numerator, denominator and coverage of the measure"
* obeys pers-basis-2
* extension ^slicing.rules = #closed
* extension contains
    numerator 0..1 and
    denominator 0..1 and
    window 1..1 and
    definition 1..1 and
    coverage 0..1
* extension[numerator] ^short = "What was counted"
* extension[numerator].value[x] 1..1
* extension[numerator].value[x] only decimal
* extension[denominator] ^short = "What it was counted out of; alone: N, how many visits or dates the number rests on"
* extension[denominator].value[x] 1..1
* extension[denominator].value[x] only decimal
* extension[window] ^short = "p7d | p1m | p1y | ever"
* extension[window].value[x] 1..1
* extension[window].value[x] only code
* extension[window].value[x] from $windows (required)
* extension[definition] ^short = "The measure's entry in its code system"
* extension[definition].value[x] 1..1
* extension[definition].value[x] only uri
* extension[coverage] ^short = "Share, 0 to 1, of the visits or claims that the measure could use"
* extension[coverage].value[x] 1..1
* extension[coverage].value[x] only decimal

Invariant: pers-basis-2
Description: "The coverage is a share: neither below 0 nor above 1."
Severity: #error
Expression: "extension.where(url = 'coverage').all(value >= 0 and value <= 1)"

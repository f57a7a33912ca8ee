package zip

// IsVendored is the rule by which a file is left out as a vendored one.
func IsVendored(name, version string) bool { return isVendoredPackage(name, version) }

// ToFold is what two names have in common that differ by case only.
func ToFold(s string) string { return strToFold(s) }

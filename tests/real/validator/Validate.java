// In: a FHIR version (STU3, R4, R5), a FHIR package (package.tgz) with our definitions, a folder of resources and one for
// the answers. Out: for each resource an OperationOutcome of the same name, by HL7's validator, without any network.
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.FhirVersionEnum;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.utilities.npm.NpmPackage;

class Validate {
	final FhirContext fhir;
	final Map<String, String> definitions = new TreeMap<>();

	Validate(String version) {
		fhir = new FhirContext(FhirVersionEnum.valueOf(version.equals("STU3") ? "DSTU3" : version));
	}

	public static void main(String[] words) throws IOException {
		var validate = new Validate(words[0]);
		validate.load(Path.of(words[1]));
		validate.all(read(Path.of(words[2])), Path.of(words[3]));
	}

	/** As any server or validator loads a guide. */
	void load(Path packed) throws IOException {
		try (var bytes = Files.newInputStream(packed)) {
			var opened = NpmPackage.fromPackage(bytes);
			for (String name : opened.listResources()) definitions.put(name, text(opened, name));
		}
	}

	static String text(NpmPackage opened, String name) throws IOException {
		try (var stream = opened.load("package", name)) {
			return new String(stream.readAllBytes(), "UTF-8");
		}
	}

	static Map<String, String> read(Path folder) throws IOException {
		var found = new TreeMap<String, String>();
		try (var files = Files.list(folder)) {
			for (Path file : (Iterable<Path>) files.filter(each -> each.toString().endsWith(".json"))::iterator)
				found.put(file.getFileName().toString(), Files.readString(file));
		}
		return found;
	}

	void all(Map<String, String> resources, Path answers) throws IOException {
		FhirValidator validator = validator();
		for (var each : resources.entrySet()) {
			var outcome = validator.validateWithResult(each.getValue()).toOperationOutcome();
			Files.writeString(answers.resolve(each.getKey()), fhir.newJsonParser().encodeResourceToString(outcome));
		}
		System.out.println("validated " + resources.size() + " against " + definitions.size());
	}

	FhirValidator validator() {
		var ours = new PrePopulatedValidationSupport(fhir);
		for (String definition : definitions.values()) {
			IBaseResource parsed = fhir.newJsonParser().parseResource(definition);
			ours.addResource(parsed);
		}
		var chain = new ValidationSupportChain(
				new DefaultProfileValidationSupport(fhir), ours, new InMemoryTerminologyServerValidationSupport(fhir),
				new CommonCodeSystemsTerminologyService(fhir), new SnapshotGeneratingValidationSupport(fhir));
		var module = new FhirInstanceValidator(chain);
		module.setErrorForUnknownProfiles(true);
		return fhir.newValidator().registerValidatorModule(module);
	}
}

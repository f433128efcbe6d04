// In: a folder of R4 JSON, the folder for the result, stu3 or r5. Out: each resource in that version, by HL7's converters.
// What the converters cannot know, and the types that they refuse, adapt.py does afterwards.
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.hl7.fhir.convertors.factory.VersionConvertorFactory_30_40;
import org.hl7.fhir.convertors.factory.VersionConvertorFactory_40_50;
import org.hl7.fhir.r4.model.Resource;

class Convert {
	// Between R4 and STU3 there is no conversion of these.
	static final Set<String> REFUSED = Set.of("Measure", "MeasureReport");

	public static void main(String[] words) throws IOException {
		Path from = Path.of(words[0]), to = Path.of(words[1]);
		try (var found = Files.walk(from)) {
			found.filter(file -> file.toString().endsWith(".json"))
					.forEach(file -> convert(file, to.resolve(from.relativize(file)), words[2]));
		}
	}

	static void convert(Path from, Path to, String version) {
		try {
			Resource resource = new org.hl7.fhir.r4.formats.JsonParser().parse(Files.readAllBytes(from));
			if (version.equals("stu3") && REFUSED.contains(resource.fhirType())) return;
			Files.createDirectories(to.getParent());
			Files.writeString(to, version.equals("stu3") ? stu3(resource) : r5(resource));
		} catch (IOException failed) {
			throw new UncheckedIOException(from + " does not convert to " + version, failed);
		}
	}

	static String stu3(Resource resource) throws IOException {
		var converted = VersionConvertorFactory_30_40.convertResource(resource);
		return new org.hl7.fhir.dstu3.formats.JsonParser().composeString(converted);
	}

	static String r5(Resource resource) throws IOException {
		var converted = VersionConvertorFactory_40_50.convertResource(resource);
		return new org.hl7.fhir.r5.formats.JsonParser().composeString(converted);
	}
}

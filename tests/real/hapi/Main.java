import ca.uhn.fhir.batch2.jobs.bulkmodify.reindex.ReindexProvider;
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.batch2.maintenance.JobMaintenanceServiceImpl;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.dstu3.JpaDstu3Config;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.r5.JpaR5Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.interceptor.UserRequestRetryVersionConflictsInterceptor;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.dstu3.JpaConformanceProviderDstu3;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.narrative2.NullNarrativeGenerator;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import jakarta.persistence.EntityManagerFactory;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;

/**
 * In: -Dport (0: any free one), -Dversion=STU3|R4|R5, -Ddb=jdbc:h2:mem:x|jdbc:h2:file:/dir/x, -Dddl=create|none.
 * Out: a HAPI FHIR JPA server on the loopback address, and on stdout one line "READY base-URL" once it listens.
 */
@Configuration
@Import({HapiJpaConfig.class, ThreadPoolFactoryConfig.class, JpaBatch2Config.class, Batch2JobsConfig.class,
	SubscriptionSubmitterConfig.class, SubscriptionProcessorConfig.class, SubscriptionChannelConfig.class})
public class Main {

	public static void main(String[] args) throws Exception {
		((Logger) LoggerFactory.getLogger("ROOT")).setLevel(Level.WARN);
		AnnotationConfigWebApplicationContext ctx = new AnnotationConfigWebApplicationContext();
		ctx.register(Main.class, switch (System.getProperty("version", "R4")) {
			case "STU3" -> JpaDstu3Config.class;
			case "R5" -> JpaR5Config.class;
			default -> JpaR4Config.class;
		});
		Server jetty = new Server();
		ServerConnector con = new ServerConnector(jetty);
		con.setHost("127.0.0.1");
		con.setPort(Integer.getInteger("port", 0));
		jetty.addConnector(con);
		ServletContextHandler web = new ServletContextHandler("/");
		ctx.setServletContext(web.getServletContext());
		ctx.refresh();
		web.addServlet(new ServletHolder(server(ctx)), "/fhir/*");
		jetty.setHandler(web);
		jetty.start();
		System.out.println("READY http://127.0.0.1:" + con.getLocalPort() + "/fhir");
	}

	static RestfulServer server(AnnotationConfigWebApplicationContext ctx) {
		FhirContext fhir = ctx.getBean(FhirContext.class);
		fhir.setNarrativeGenerator(new NullNarrativeGenerator());
		RestfulServer s = new RestfulServer(fhir);
		@SuppressWarnings({"unchecked","rawtypes"}) IFhirSystemDao dao = ctx.getBean(IFhirSystemDao.class);
		JpaStorageSettings st = ctx.getBean(JpaStorageSettings.class);
		ISearchParamRegistry sp = ctx.getBean(ISearchParamRegistry.class);
		s.registerProviders(ctx.getBean(ResourceProviderFactory.class).createProviders());
		s.registerProvider(ctx.getBean(IJpaSystemProvider.class));
		s.registerProvider(ctx.getBean(BulkDataExportProvider.class));
		s.registerProvider(ctx.getBean(ReindexProvider.class));
		s.registerInterceptor(new UserRequestRetryVersionConflictsInterceptor());
		s.setServerConformanceProvider(fhir.getVersion().getVersion().getFhirVersionString().startsWith("3")
			? new JpaConformanceProviderDstu3(s, dao, st, sp)
			: new JpaCapabilityStatementProvider(s, dao, st, sp, ctx.getBean(IValidationSupport.class)));
		DatabaseBackedPagingProvider paging = ctx.getBean(DatabaseBackedPagingProvider.class);
		paging.setDefaultPageSize(20);
		paging.setMaximumPageSize(1000);
		s.setPagingProvider(paging);
		return s;
	}

	@Bean
	public JpaStorageSettings storageSettings() {
		JpaStorageSettings s = new JpaStorageSettings();
		s.setAllowExternalReferences(true);
		s.setEnforceReferentialIntegrityOnWrite(false); // claims of Synthea refer to Conditions that are not in our data
		s.setEnforceReferentialIntegrityOnDelete(true); // the default of HAPI: an undo has to delete in the right order
		s.setAllowMultipleDelete(true);
		s.setJobFastTrackingEnabled(true);
		s.setReuseCachedSearchResultsForMillis(null);
		return s;
	}

	@Bean
	public SubscriptionSettings subscriptionSettings() {
		SubscriptionSettings s = new SubscriptionSettings();
		s.addSupportedSubscriptionType(SubscriptionChannelType.RESTHOOK);
		s.setSubscriptionChangeQueuedImmediately(true);
		return s;
	}

	/** The default is one maintenance pass a minute: a bulk export would need 3-4 minutes. */
	@Bean
	public SmartInitializingSingleton fastBatch2(JobMaintenanceServiceImpl m) {
		return () -> m.setScheduledJobFrequencyMillis(1000);
	}

	@Bean
	public PartitionSettings partitionSettings() {
		return new PartitionSettings();
	}

	@Bean
	public IEmailSender emailSender() {
		return details -> {};
	}

	@Bean(destroyMethod = "close")
	public DataSource dataSource() {
		BasicDataSource d = new BasicDataSource();
		d.setUrl(System.getProperty("db", "jdbc:h2:mem:hapi"));
		d.setUsername("sa");
		d.setPassword("");
		d.setMaxTotal(20);
		d.setMaxIdle(20);
		return d;
	}

	@Bean
	public LocalContainerEntityManagerFactoryBean entityManagerFactory(DataSource ds, ConfigurableListableBeanFactory bf,
			FhirContext fhir, JpaStorageSettings st) {
		LocalContainerEntityManagerFactoryBean b = HapiEntityManagerFactoryUtil.newEntityManagerFactory(bf, fhir, st);
		b.setPersistenceUnitName("HAPI_PU");
		b.setDataSource(ds);
		Properties p = new Properties();
		p.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
		p.put("hibernate.hbm2ddl.auto", System.getProperty("ddl", "create"));
		p.put("hibernate.jdbc.batch_size", "20");
		p.put("hibernate.cache.use_query_cache", "false");
		p.put("hibernate.cache.use_second_level_cache", "false");
		p.put("hibernate.search.enabled", "false");
		b.setJpaProperties(p);
		return b;
	}

	@Bean
	public JpaTransactionManager transactionManager(EntityManagerFactory emf) {
		return new JpaTransactionManager(emf);
	}
}

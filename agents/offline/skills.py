"""A lexicon of professional skills, for texts such as profiles and job offers."""

import re
from functools import cache

_SKILLS = """
Python|Java|JavaScript|TypeScript|C++|C#|Rust|Kotlin|Swift|Scala|Ruby|PHP|Perl|Haskell|Erlang
Elixir|Clojure|Dart|MATLAB|SQL|NoSQL|Bash|PowerShell|HTML|CSS|Sass|GraphQL|REST APIs|gRPC
Golang|Objective-C|Visual Basic|COBOL|Fortran|Assembly|Solidity|Lua|Julia
React|React Native|Angular|Vue.js|Svelte|Next.js|Node.js|Express.js|Django|Flask|FastAPI
Spring Boot|Ruby on Rails|Laravel|ASP.NET|.NET|jQuery|Tailwind CSS|Bootstrap|Redux|Webpack
Flutter|Xamarin|Unity|Unreal Engine|Qt|Electron
PostgreSQL|MySQL|SQLite|Oracle Database|SQL Server|MongoDB|Cassandra|Redis|Elasticsearch
DynamoDB|Neo4j|Snowflake|BigQuery|Redshift|ClickHouse|DuckDB
AWS|Azure|Google Cloud|GCP|Docker|Kubernetes|Helm|Terraform|Ansible|Puppet|Chef|Jenkins
GitHub Actions|GitLab CI|CircleCI|CI/CD|DevOps|Linux|Unix|Nginx|Prometheus|Grafana|Datadog
Serverless|Microservices|Kafka|RabbitMQ|Airflow|Spark|Apache Spark|Hadoop|Flink|dbt|Ray
Git|Jira|Confluence|Agile|Scrum|Kanban|SAFe|Test-driven development|Unit testing|Selenium
Cypress|Playwright|Pytest|JUnit|QA|Quality assurance|Test automation
Machine learning|Deep learning|Data science|Data analysis|Data analytics|Data engineering
Data visualization|Data modeling|Natural language processing|NLP|Computer vision|Statistics
Predictive modeling|Time series analysis|A/B testing|Reinforcement learning|Generative AI
Large language models|Prompt engineering|MLOps|TensorFlow|PyTorch|Keras|scikit-learn|Pandas
NumPy|SciPy|LangChain|LangGraph|Hugging Face|OpenCV|XGBoost|Tableau|Power BI|Looker|Excel
Microsoft Office|Google Sheets|Google Analytics|ETL|Business intelligence|Big data|SAS|SPSS|Stata
Cybersecurity|Information security|Penetration testing|Network security|Cryptography|SIEM
Identity management|OAuth|Incident response|Risk assessment|Cloud security|Networking|TCP/IP
Software architecture|System design|Distributed systems|Embedded systems
Object-oriented programming|Functional programming|Algorithms|Data structures|Code review|Debugging
Product management|Project management|Program management|Change management|Risk management
Stakeholder management|Vendor management|Operations management|Supply chain management
Product strategy|Roadmapping|Requirements analysis|Business analysis|Process improvement
Business development|Strategic planning|Six Sigma|Lean|PMP|ITIL|Budgeting|Forecasting
Financial analysis|Financial modeling|Accounting|Auditing|Bookkeeping|Taxation|Payroll
Investment banking|Valuation|Due diligence|Compliance|Contract negotiation|Procurement
Marketing|Digital marketing|Content marketing|Email marketing|Social media marketing|SEO|SEM
Google Ads|Brand management|Branding|Market research|Public relations|Advertising|Copywriting
Content strategy|Content writing|Technical writing|Editing|Proofreading|Journalism|Translation
Storytelling|Blogging|Growth hacking|Lead generation|Salesforce|HubSpot|CRM|SAP|ERP
Sales|Inside sales|Account management|Customer success|Customer service|Customer support
Negotiation|Cold calling|Retail|E-commerce|Shopify|WordPress|Event planning
UX design|UI design|User experience|User research|Usability testing|Wireframing|Prototyping
Interaction design|Graphic design|Web design|Visual design|Design systems|Accessibility
Figma|Sketch|Adobe XD|Photoshop|Illustrator|InDesign|After Effects|Premiere Pro|Blender
Video editing|Photography|Animation|3D modeling|AutoCAD|SolidWorks|Revit|CAD
Human resources|Recruiting|Talent acquisition|Onboarding|Training|Coaching|Mentoring|Teaching
Curriculum development|Instructional design|Employee relations|Performance management
Communication|Public speaking|Presentation skills|Leadership|Team leadership|Team building
People management|Teamwork|Collaboration|Problem solving|Critical thinking|Time management
Decision making|Creativity|Adaptability|Emotional intelligence|Conflict resolution
Attention to detail|Organization|Multitasking|Mediation|Fundraising|Grant writing
Research|Clinical research|Patient care|Nursing|First aid|Pharmacology|Medical coding
Laboratory skills|Molecular biology|Chemistry|Physics|Mathematics|Biotechnology
Mechanical engineering|Electrical engineering|Civil engineering|Chemical engineering
Manufacturing|Robotics|PLC programming|Quality control|Logistics|Inventory management
Construction management|Welding|Plumbing|Carpentry|Electrical work
Blockchain|Smart contracts|Internet of Things|IoT|Cloud computing|Virtualization|VMware
English|Spanish|French|German|Mandarin|Japanese|Portuguese|Arabic|Italian|Dutch
"""


def find_skills(text: str) -> list[str]:
    """Return the skills that a text names, in order of appearance, each once."""
    pattern, names = _lexicon()
    return list(dict.fromkeys(names[match.group().lower()] for match in pattern.finditer(text)))


@cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, str]]:
    lines = _SKILLS.strip().splitlines()
    names = {name.lower(): name for line in lines for name in line.split("|")}
    longest_first = sorted(names, key=len, reverse=True)
    alternatives = "|".join(re.escape(name) for name in longest_first)
    return re.compile(rf"(?<![\w.+#-])(?:{alternatives})(?![\w+#])", re.IGNORECASE), names

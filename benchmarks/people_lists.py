"""What the labelled sets are drawn from: no two of these lists have a word in common."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> list[str]:
    return text.split()


@dataclass(frozen=True)
class Lists:
    """What a set is drawn from; ``nicknames`` go by first name."""

    first: list[str]
    last: list[str]
    nicknames: dict[str, str]
    company: list[str]
    trade: list[str]
    form: list[str]
    city: list[str]
    host: list[str]
    country_code: str


TUNING = Lists(
    first=_words("""
        Anna Peter Jürgen Sabine Thomas Monika Andreas Ursula Stefan Petra Wolfgang Birgit Klaus Heike
        Michael Susanne Frank Claudia Uwe Andrea Bernd Karin Jörg Silke Dieter Gabriele Ralf Martina Günter
        Anja Matthias Katrin Torsten Renate Holger Ingrid Volker Nicole Rainer Simone Käthe Hans Friedrich
        Gisela Björn Ulrike Kerstin Markus Manuela Christian Daniela Sebastian Elke Hartmut Marlies Detlef
        Beate Lothar Dagmar Manfred
    """),
    last=_words("""
        Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer
        Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt
        Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber
        Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank
        Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus
        Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber
        Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann
    """),
    nicknames={
        "Wolfgang": "Wolle",
        "Michael": "Micha",
        "Susanne": "Susi",
        "Andreas": "Andi",
        "Thomas": "Tom",
        "Stefan": "Steff",
        "Gabriele": "Gabi",
        "Matthias": "Matze",
        "Sebastian": "Basti",
        "Manuela": "Manu",
        "Christian": "Chris",
        "Ursula": "Uschi",
        "Katrin": "Kati",
        "Friedrich": "Fritz",
        "Ulrike": "Uli",
    },
    company=_words("""
        Nordlicht Hansa Elbe Weser Rhein Alpen Bavaria Adler Falken Eichen Linden Stern Sonnen Ring Kron
    """),
    trade=_words("""
        Logistik Bau Solar Haustechnik Transport Gebäudereinigung Sanitär Elektro Gartenbau Metallbau
    """),
    form=["GmbH", "AG", "GmbH & Co. KG", "KG", "OHG"],
    city=_words("""
        Bremen Hamburg Berlin München Köln Leipzig Dresden Hannover Nürnberg Essen Kiel Erfurt Mainz Ulm
    """),
    host=_words("""
        web.example mail.example gmx.example post.example
    """),
    country_code="+49",
)
HELD_OUT = Lists(
    first=_words("""
        James Mary Robert Patricia John Jennifer David Linda William Elizabeth Richard Barbara Joseph
        Jessica Charles Sarah Christopher Karen Daniel Lisa Matthew Nancy Anthony Margaret Mark Betty Donald
        Sandra Steven Ashley Paul Kimberly Andrew Emily Joshua Donna Kenneth Michelle Kevin Carol Brian
        Amanda George Melissa Timothy Deborah José María Zoë Renée François Siân Łukasz Ömer Chloé Ángel
        Noël Inès Edward Rebecca
    """),
    last=_words("""
        Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez
        Wilson Anderson Thomas-Reid Taylor Moore Jackson Thompson White Harris Sanchez Clark Ramirez Lewis
        Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker
        Hall Rivera Campbell Mitchell Carter Roberts Gómez Phillips Evans Turner Díaz Parker Cruz Edwards
        Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutiérrez Ortiz Morgan Cooper Peterson
        Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chávez Wood James-Lee Bennett
        Gray Mendoza Ruiz Hughes Price Álvarez Castillo Sanders Patel Myers Long
    """),
    nicknames={
        "Robert": "Bob",
        "William": "Bill",
        "Richard": "Dick",
        "Elizabeth": "Liz",
        "Margaret": "Peggy",
        "Christopher": "Kit",
        "Patricia": "Pat",
        "Jennifer": "Jenny",
        "Joseph": "Joe",
        "Anthony": "Tony",
        "Steven": "Steve",
        "Andrew": "Drew",
        "Kimberly": "Kim",
        "Timothy": "Tim",
        "Deborah": "Debbie",
        "Edward": "Ted",
        "Rebecca": "Becky",
        "Daniel": "Dan",
        "James": "Jim",
        "Matthew": "Matt",
    },
    company=_words("""
        Amber Beacon Cedar Delta Falcon Granite Harbor Juniper Maple Raven Summit Tidal Union Vertex Willow
    """),
    trade=_words("""
        Plumbing Roofing Haulage Electric Landscaping Heating Cleaning Glazing Paving Security
    """),
    form=["Ltd", "LLC", "Inc", "PLC", "Limited"],
    city=_words("""
        Leeds Bristol Cardiff Glasgow York Oxford Derby Exeter Bath Dundee Truro Hull Luton Perth
    """),
    host=_words("""
        inbox.example fastmail.example letters.example webpost.example
    """),
    country_code="+44",
)

HELD_OUT_2 = Lists(
    first=_words("""
        Giovanni Giulia Pieter Marieke Luc Odile Matteo Chiara Willem Saskia Thierry Delphine Lorenzo Francesca
        Hendrik Annelies Gérard Sylvie Alessandro Valentina Johannes Femke Mathieu Élodie Giuseppe Lucia Cornelis
        Wilhelmina Olivier Hélène Riccardo Paola Maarten Liesbeth Bastien Amélie Domenico Rosa Gerrit Tineke
        Étienne Camille Salvatore Federica Jeroen Sanne Raphaël Mélanie Vincenzo Ilaria Sjoerd Margriet Clément
        Aurélie Massimo Elisabetta Bram Joke Frédéric Béatrice
    """),
    last=_words("""
        Rossi Dubois Jansen Bianchi Moreau Visser Esposito Lefèvre Bakker Romano Girard Mulder Colombo Roux Bos
        Ricci Fournier Vos Marino Mercier Hendriks Greco Dupont Dekker Conti Lambert Brouwer Gallo Bonnet Dijkstra
        Costa François-Petit Smits Fontana Rousseau Kuipers Caruso Blanc Veenstra Mancini Guérin Kok Rizzo Boyer
        Schipper Lombardi Garnier Jacobs Moretti Chevalier Willems Barbieri Legrand Postma Ferrara Gauthier Wouters
        Santoro Perrin Verhoeven Mariani Robin Koster Rinaldi Clément-Roy Prins Martini Morin Blom Leone Nicolas Huisman
        Longo Masson Peeters Gentile Marchand Kuiper Martinelli Duval Veldman Vitale Denis Sanderse Coppola Lemaire
        Hoekstra Serra Meunier Molenaar Marchetti Noel Timmermans Parisi
    """),
    nicknames={
        "Giovanni": "Gianni",
        "Giuseppe": "Beppe",
        "Francesca": "Checca",
        "Alessandro": "Sandro",
        "Salvatore": "Totò",
        "Vincenzo": "Enzo",
        "Domenico": "Mimmo",
        "Elisabetta": "Betta",
        "Lorenzo": "Renzo",
        "Willem": "Wim",
        "Johannes": "Jan",
        "Cornelis": "Kees",
        "Hendrik": "Henk",
        "Wilhelmina": "Mien",
        "Liesbeth": "Bets",
        "Pieter": "Piet",
        "Frédéric": "Fred",
        "Mathieu": "Mat",
        "Valentina": "Vale",
        "Raphaël": "Raph",
    },
    company=_words("""
        Aurora Ponte Molen Zephyr Castello Haven Lumière Torre Zilver Rivage Polder Olivo Bronzo Noria Duin
    """),
    trade=_words("""
        Impianti Couverture Schilders Idraulica Toiture Loodgieters Trasporti Jardins Montage Vetri
    """),
    form=["SRL", "SpA", "BV", "SARL", "NV"],
    city=_words("""
        Torino Utrecht Lyon Bologna Haarlem Nantes Verona Breda Rennes Padova Leiden Lille Modena Arnhem
    """),
    host=_words("""
        posta.example courrier.example brievenbus.example webmail.example
    """),
    country_code="+43",
)
"""Of the measurement before the last. Numbers are of a country where their length is free."""

HELD_OUT_3 = Lists(
    first=_words("""
        Agnieszka Tomasz Elin Håkan Ludmila Vojtěch Ricardo Leonor Krzysztof Małgorzata Sven Birgitta Jaroslav
        Zdeňka Joaquim Filipa Wojciech Katarzyna Göran Maj-Britt Miroslav Květa Duarte Graça Zbigniew Halina Torbjörn
        Ylva Oldřich Blanka Nuno Teresinha Grzegorz Jadwiga Kjell Gunilla Zdeněk Bohumila Vasco Fátima Stanisław
        Bożena Lennart Solveig Bedřich Drahomíra Tiago Conceição Ryszard Danuta Ragnar Astrid Radek Ivana Afonso
        Piedade Mieczysław Grażyna Hjalmar Sigrid
    """),
    last=_words("""
        Nowak Lindqvist Novák Ferreira Kowalski Sjöberg Dvořák Almeida Wiśniewski Bergström Svoboda Carvalho Wójcik
        Hedlund Procházka Teixeira Kamiński Nyström Kučera Moreira Lewandowski Åkesson Veselý Figueiredo Zieliński
        Holmgren Horák Magalhães Szymański Dahlberg Němec Pinheiro Woźniak Ekström Marek Barbosa Dąbrowski Forsberg
        Pospíšil Tavares Kozłowski Sandström Hájek Nogueira Jankowski Lundgren Jelínek Cardoso Mazur Engdahl Růžička
        Pacheco Kwiatkowski Norberg Beneš Vasconcelos Krawczyk Wallin Fiala Quintela Piotrowski Öberg Sedláček Brandão
        Grabowski Söderlund Doležal Sequeira Pawłowski Malmström Zeman Antunes Michalski Hellberg Kolář Bragança
        Zając Rosengren Navrátil Esteves Król Blomqvist Čermák Valadares Wieczorek Tengvall Urban Lacerda Jabłoński
        Strandberg Vaněk Botelho Majewski
    """),
    nicknames={
        "Agnieszka": "Aga",
        "Tomasz": "Tomek",
        "Krzysztof": "Krzysiek",
        "Małgorzata": "Gosia",
        "Katarzyna": "Kasia",
        "Wojciech": "Wojtek",
        "Grzegorz": "Grzesiek",
        "Stanisław": "Staszek",
        "Ryszard": "Rysiek",
        "Jadwiga": "Jadzia",
        "Zbigniew": "Zbyszek",
        "Birgitta": "Gittan",
        "Gunilla": "Nilla",
        "Torbjörn": "Tobbe",
        "Lennart": "Lelle",
        "Vojtěch": "Vojta",
        "Jaroslav": "Jarda",
        "Miroslav": "Mirek",
        "Joaquim": "Quim",
        "Conceição": "São",
    },
    company=_words("""
        Bursztyn Norrsken Vltava Douro Żubr Fjäll Morava Tejo Wisła Tallbacken Sokol Minho Jantar Älgen Labská
    """),
    trade=_words("""
        Transportowe Målarna Zahrady Obras Dachy Rörservice Podlahy Limpezas Szklarnia Snickeri
    """),
    form=["Sp. z o.o.", "AB", "s.r.o.", "Lda", "S.A."],
    city=_words("""
        Kraków Uppsala Brno Coimbra Gdańsk Malmö Ostrava Braga Poznań Västerås Olomouc Évora Lublin Örebro
    """),
    host=_words("""
        poczta.example brevlada.example schranka.example correio.example
    """),
    country_code="+46",
)
"""Of the last measurement."""

"""The languages that an instruction can demand, and a text in each by which an answer in it can be constructed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "es": "Spanish",
        "pt": "Portuguese",
        "ar": "Arabic",
        "hi": "Hindi",
        "fr": "French",
        "ru": "Russian",
        "de": "German",
        "ja": "Japanese",
        "it": "Italian",
        "bn": "Bengali",
        "uk": "Ukrainian",
        "th": "Thai",
        "ur": "Urdu",
        "ta": "Tamil",
        "te": "Telugu",
        "bg": "Bulgarian",
        "ko": "Korean",
        "pl": "Polish",
        "he": "Hebrew",
        "fa": "Persian",
        "vi": "Vietnamese",
        "ne": "Nepali",
        "sw": "Swahili",
        "kn": "Kannada",
        "mr": "Marathi",
        "gu": "Gujarati",
        "pa": "Punjabi",
        "ml": "Malayalam",
        "fi": "Finnish",
    }
)
"""By code, those of the benchmark."""

SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "en": "the dog and the cat sleep in the house when they think that nobody is there with them to give them what they "
        "want so we had this which our mother said should have been good for you",
        "es": "el perro y el gato duermen en la casa cuando no hay nadie y los niños juegan en el jardín con su madre",
        "pt": "o cão e o gato dormem em casa quando não há ninguém e as crianças brincam no jardim com a sua mãe",
        "ar": "ينام الكلب والقط في البيت عندما لا يكون هناك أحد ويلعب الأطفال في الحديقة مع أمهم",
        "hi": "जब घर में कोई नहीं होता है तब कुत्ता और बिल्ली सोते हैं और बच्चे अपनी माँ के साथ बगीचे में खेलते हैं",
        "fr": "le chien et le chat dorment dans la maison quand il n'y a personne et les enfants jouent dans le jardin avec "
        "leur mère",
        "ru": "собака и кошка спят в доме когда никого нет и дети играют в саду со своей матерью",
        "de": "der Hund und die Katze schlafen im Haus wenn niemand da ist und die Kinder spielen mit ihrer Mutter im Garten",
        "ja": "誰もいないとき犬と猫は家の中で寝ていて子供たちはお母さんと一緒に庭で遊んでいます",
        "it": "il cane e il gatto dormono nella casa quando non c'è nessuno e i bambini giocano nel giardino con la loro madre",
        "bn": "যখন বাড়িতে কেউ থাকে না তখন কুকুর এবং বিড়াল ঘুমায় আর শিশুরা তাদের মায়ের সাথে বাগানে খেলা করে",
        "uk": "собака і кішка сплять у будинку коли нікого немає і діти грають у саду зі своєю матір'ю",
        "th": "สุนัขและแมวนอนอยู่ในบ้านเมื่อไม่มีใครอยู่และเด็กๆเล่นในสวนกับแม่ของพวกเขา",
        "ur": "جب گھر میں کوئی نہیں ہوتا تو کتا اور بلی سوتے ہیں اور بچے اپنی ماں کے ساتھ باغ میں کھیلتے ہیں",
        "ta": "வீட்டில் யாரும் இல்லாதபோது நாயும் பூனையும் தூங்குகின்றன குழந்தைகள் தங்கள் தாயுடன் தோட்டத்தில் விளையாடுகிறார்கள்",
        "te": "ఇంట్లో ఎవరూ లేనప్పుడు కుక్క మరియు పిల్లి నిద్రపోతాయి పిల్లలు తమ తల్లితో తోటలో ఆడుకుంటారు",
        "bg": "кучето и котката спят в къщата когато няма никого и децата играят в градината със своята майка",
        "ko": "집에 아무도 없을 때 개와 고양이는 잠을 자고 아이들은 엄마와 함께 정원에서 놀고 있습니다",
        "pl": "pies i kot śpią w domu kiedy nikogo nie ma a dzieci bawią się w ogrodzie ze swoją matką",
        "he": "הכלב והחתול ישנים בבית כאשר אין שם אף אחד והילדים משחקים בגינה עם אמא שלהם",
        "fa": "سگ و گربه وقتی کسی در خانه نیست می خوابند و بچه ها با مادر خود در باغ بازی می کنند",
        "vi": "con chó và con mèo ngủ trong nhà khi không có ai và những đứa trẻ chơi trong vườn với mẹ của chúng",
        "ne": "घरमा कोही नहुँदा कुकुर र बिरालो सुत्छन् र बच्चाहरू आफ्नी आमासँग बगैंचामा खेल्छन्",
        "sw": "mbwa na paka wanalala katika nyumba wakati hakuna mtu na watoto wanacheza katika bustani pamoja na mama yao",
        "kn": "ಮನೆಯಲ್ಲಿ ಯಾರೂ ಇಲ್ಲದಿರುವಾಗ ನಾಯಿ ಮತ್ತು ಬೆಕ್ಕು ಮಲಗುತ್ತವೆ ಮಕ್ಕಳು ತಮ್ಮ ತಾಯಿಯೊಂದಿಗೆ ತೋಟದಲ್ಲಿ ಆಡುತ್ತಾರೆ",
        "mr": "घरात कोणी नसताना कुत्रा आणि मांजर झोपतात आणि मुले त्यांच्या आईसोबत बागेत खेळतात",
        "gu": "જ્યારે ઘરમાં કોઈ ન હોય ત્યારે કૂતરો અને બિલાડી ઊંઘે છે અને બાળકો તેમની માતા સાથે બગીચામાં રમે છે",
        "pa": "ਜਦੋਂ ਘਰ ਵਿੱਚ ਕੋਈ ਨਹੀਂ ਹੁੰਦਾ ਤਾਂ ਕੁੱਤਾ ਅਤੇ ਬਿੱਲੀ ਸੌਂਦੇ ਹਨ ਅਤੇ ਬੱਚੇ ਆਪਣੀ ਮਾਂ ਨਾਲ ਬਾਗ ਵਿੱਚ ਖੇਡਦੇ ਹਨ",
        "ml": "വീട്ടിൽ ആരും ഇല്ലാത്തപ്പോൾ നായയും പൂച്ചയും ഉറങ്ങുന്നു കുട്ടികൾ അമ്മയോടൊപ്പം തോട്ടത്തിൽ കളിക്കുന്നു",
        "fi": "koira ja kissa nukkuvat talossa kun ketään ei ole siellä ja lapset leikkivät puutarhassa äitinsä kanssa",
    }
)
"""One sentence in each, without a mark at its end and without commas."""

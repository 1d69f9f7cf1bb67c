using StreamingCnn.Docs.Tests.Figures;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>Draws the projects and their rooms with the arrows of who may import whom, from the rules that the code is held to.</summary>
internal static class ArchitecturePicture
{
    private const int RoomWidth = 118, RoomHeight = 40, Gap = 14, Storey = 82, Margin = 24, Top = 64;

    public static string Draw()
    {
        var levels = Project.All.Select(project => new RoomLevels(project)).ToArray();
        var storeys = levels.Max(project => project.Levels.Count);
        var widths = levels.Select(project => project.Levels.Max(level => level.Length) * (RoomWidth + Gap) + Gap + 12).ToArray();
        var height = Top + 56 + storeys * Storey + 68;
        var picture = new Svg(widths.Sum() + (widths.Length - 1) * 40 + 2 * Margin, height, "The four projects, their rooms, and which may import which.");
        picture.Text(Margin, 30, "Who may import whom", 17, bold: true);
        picture.Text(Margin + 190, 30, "An arrow points to what is imported; what is reached through another room has no arrow of its own.", 12, colour: "#567");
        var left = Margin;
        for (var i = 0; i < levels.Length; i++)
        {
            if (i > 0)
            {
                picture.Arrow(left, Top + 22, left - 40, Top + 22);
                left += 0;
            }

            DrawProject(picture, Project.All[i], levels[i], left, widths[i], height - Top - 24);
            left += widths[i] + 40;
        }

        return picture.ToString();
    }

    private static void DrawProject(Svg picture, Project project, RoomLevels levels, int left, int width, int height)
    {
        picture.Rectangle(left, Top, width, height, "#f7f9fb", "#9fb3c8");
        picture.Text(left + 12, Top + 24, project.Name, 15, bold: true);
        var packages = project.Packages.Where(package => !package.Contains("Native", StringComparison.Ordinal) && !package.Contains("HarfBuzz", StringComparison.Ordinal));
        picture.Text(left + 12, Top + 42, string.Join(", ", project.Projects.Concat(packages)), 10, colour: "#567");
        var places = new Dictionary<string, (int X, int Y)>();
        for (var level = 0; level < levels.Levels.Count; level++)
        {
            var rooms = levels.Levels[level];
            var start = left + (width - (rooms.Length * (RoomWidth + Gap) - Gap)) / 2;
            for (var i = 0; i < rooms.Length; i++)
                places[rooms[i].Name] = (start + i * (RoomWidth + Gap), Top + height - 16 - RoomHeight - level * Storey);
        }

        foreach (var room in project.Rooms)
        {
            var (x, y) = places[room.Name];
            foreach (var (toX, toY) in levels.DirectImports(room).Select(import => places[import]))
                picture.Arrow(x + RoomWidth / 2, y + RoomHeight, toX + RoomWidth / 2 + Math.Clamp((x - toX) / 8, -40, 40), toY);
        }

        foreach (var room in project.Rooms)
        {
            var (x, y) = places[room.Name];
            picture.Rectangle(x, y, RoomWidth, RoomHeight, "#cfdfea", "#1d5f7a");
            picture.Text(x + RoomWidth / 2, y + 18, room.Name, 13, bold: true, centred: true);
            var outside = room.Imports.Where(import => import is "TorchSharp" or "NetVips" or "CsvHelper" or "ScottPlot" or "Spectre.Console").ToArray();
            picture.Text(x + RoomWidth / 2, y + 32, outside.Length == 0 ? "no package" : string.Join(", ", outside.Select(package => package.Replace("Spectre.Console", "Spectre", StringComparison.Ordinal))), 9, colour: "#345", centred: true);
        }
    }
}

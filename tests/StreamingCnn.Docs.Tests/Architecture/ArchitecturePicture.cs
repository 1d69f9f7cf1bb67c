using StreamingCnn.Docs.Tests.Figures;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>Draws the projects and their rooms with the arrows of who may import whom, from the rules that the code is held to.</summary>
internal static class ArchitecturePicture
{
    private const int RoomWidth = 132, RoomHeight = 40, Gap = 14, Storey = 82, Margin = 24, Between = 40, Top = 70, Title = 64;

    public static string Draw()
    {
        // The engine stands at the left, the others at its right, each above those that it refers to.
        var levels = Project.All.Select(project => new RoomLevels(project)).ToArray();
        var heights = levels.Select(project => HeightOf(project.Levels.Count)).ToArray();
        var widths = levels.Select(project => project.Levels.Max(level => level.Length) * (RoomWidth + Gap) + Gap + 12).ToArray();
        var (right, rightWidth) = (Margin + widths[0] + Between, widths.Skip(1).Max());
        var picture = new Svg(
            right + rightWidth + Margin, Top + heights.Skip(1).Sum()
                + (levels.Length - 2) * Between + Margin, "The four projects, their rooms, and which may import which.");
        picture.Text(Margin, 30, "Who may import whom", 17, bold: true);
        picture.Text(Margin, 50, "An arrow points to what is imported; what is reached through another room has no arrow of its own. Below a room's name: the packages that it uses.", 12, colour: "#567");
        var y = Top;
        for (var i = levels.Length - 1; i > 0; i--)
        {
            DrawProject(picture, Project.All[i], levels[i], right, y, rightWidth, heights[i]);
            y += heights[i];
            if (i > 1)
                picture.Arrow(right + rightWidth / 2, y, right + rightWidth / 2, y + Between);
            y += Between;
        }

        var engine = y - Between - heights[0];
        DrawProject(picture, Project.All[0], levels[0], Margin, engine, widths[0], heights[0]);
        picture.Arrow(right, y - Between - heights[1] / 2, right - Between, y - Between - heights[1] / 2);
        return picture.ToString();
    }

    private static int HeightOf(int storeys) => Title + storeys * Storey - (Storey - RoomHeight) + 16;

    private static void DrawProject(Svg picture, Project project, RoomLevels levels, int left, int top, int width, int height)
    {
        picture.Rectangle(left, top, width, height, "#f7f9fb", "#9fb3c8");
        picture.Text(left + 12, top + 24, project.Name, 15, bold: true);
        var packages = project.Packages.Where(
            package => !package.Contains("Native", StringComparison.Ordinal) && !package.Contains("HarfBuzz", StringComparison.Ordinal));
        picture.Text(left + 12, top + 42, string.Join(", ", project.Projects.Concat(packages)), 10, colour: "#567");
        var places = new Dictionary<string, (int X, int Y)>();
        for (var level = 0; level < levels.Levels.Count; level++)
        {
            var rooms = levels.Levels[level];
            var start = left + (width - (rooms.Length * (RoomWidth + Gap) - Gap)) / 2;
            for (var i = 0; i < rooms.Length; i++)
                places[rooms[i].Name] = (start + i * (RoomWidth + Gap), top + height - 16 - RoomHeight - level * Storey);
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
            var outside = room.Imports.Where(
                import => import is "TorchSharp" or "NetVips" or "CsvHelper" or "ScottPlot" or "Spectre.Console")
                .ToArray();
            picture.Text(
                x + RoomWidth / 2, y + 32, outside.Length == 0
                    ? "no package"
                    : string.Join(", ", outside.Select(package => package.Replace("Spectre.Console", "Spectre", StringComparison.Ordinal))),
                    9,
                    colour: "#345",
                    centred: true);
        }
    }
}
